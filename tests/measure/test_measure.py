from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from denoise_cli.denoisers import classical
from denoise_cli.errors import PictureError
from denoise_cli.measure.bench import bench, pictures_in
from denoise_cli.measure.quality import psnr, ssim


def test_psnr_is_of_the_rounded_and_clipped_result() -> None:
    random = np.random.default_rng(0)
    clean = random.integers(0, 256, (30, 20, 3)).astype(np.float32) / 255
    result = clean + random.normal(0, 0.1, clean.shape).astype(np.float32)
    saved = np.clip(np.rint(result * 255), 0, 255).astype(np.uint8)
    expected = peak_signal_noise_ratio(np.rint(clean * 255).astype(np.uint8), saved, data_range=255)
    assert psnr(result, clean) == pytest.approx(expected, abs=1e-9)
    assert psnr(clean, clean + 0.4 / 255) == float("inf")


def test_ssim_is_one_for_equals_and_falls_with_noise() -> None:
    clean = np.random.default_rng(0).random((30, 30, 3)).astype(np.float32)
    assert ssim(clean, clean) == pytest.approx(1)
    assert ssim(clean[::-1], clean) < 0.5


def test_bench_tells_the_level_and_measures_the_noisy_pictures_too(tmp_path: Path) -> None:
    for number in range(2):
        Image.new("RGB", (64, 48), (90 * number, 80, 70)).save(tmp_path / f"{number}.png")
    rows = bench([("nlm", classical.build("nlm"))], pictures_in(tmp_path), [10, 25], seed=0)
    assert [(row.model, row.sigma, row.pictures) for row in rows] == [
        ("noisy", 10, 2), ("nlm", 10, 2), ("noisy", 25, 2), ("nlm", 25, 2),
    ]  # fmt: skip
    noisy, cleaned = rows[2], rows[3]
    assert noisy.psnr == pytest.approx(20.3, abs=0.7)
    assert cleaned.psnr > noisy.psnr + 8
    assert cleaned.ssim > noisy.ssim
    assert cleaned.megapixels_per_second > 0


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="no folder with pictures"):
        pictures_in(tmp_path)


def test_pictures_too_small_for_ssim_are_named(tmp_path: Path) -> None:
    Image.new("RGB", (10, 40)).save(tmp_path / "small.png")
    with pytest.raises(PictureError, match=r"small\.png is smaller than 11"):
        bench([], pictures_in(tmp_path), [25], seed=0)
