from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

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


def test_what_is_no_number_counts_as_black() -> None:
    pixels = np.full((12, 12, 1), 0.5, np.float32)
    pixels[0, 0], pixels[0, 1] = np.nan, np.inf
    clean = np.nan_to_num(pixels, posinf=1.0)
    assert psnr(pixels, clean) == float("inf")
