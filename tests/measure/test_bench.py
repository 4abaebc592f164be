from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from denoise_cli.denoisers import classical, weights
from denoise_cli.denoisers.catalogue import load
from denoise_cli.denoisers.classical import Filter
from denoise_cli.errors import PictureError
from denoise_cli.measure import bench as module
from denoise_cli.measure.bench import Row, Terms, _figures, bench
from denoise_cli.measure.sets import clean_set, paired_set
from tests.conftest import toy_card, toy_network


def test_bench_tells_the_level_and_measures_the_noisy_pictures_too(folder: Path) -> None:
    seen: list[tuple[str, str, int]] = []
    rows = bench(["nlm"], [clean_set(folder)], Terms([10, 25]), lambda *where: seen.append(where))
    assert [(row.set, row.model, row.sigma, row.pictures) for row in rows] == [
        ("flat", "noisy", 10, 2), ("flat", "nlm", 10, 2), ("flat", "noisy", 25, 2), ("flat", "nlm", 25, 2),
    ]  # fmt: skip
    assert seen == [("nlm", "flat", 0), ("nlm", "flat", 1)] * 2
    noisy, cleaned = rows[2], rows[3]
    assert noisy.psnr == pytest.approx(20.3, abs=0.7)
    assert cleaned.psnr > noisy.psnr + 8
    assert cleaned.ssim > noisy.ssim
    assert cleaned.megapixels_per_second is not None
    assert cleaned.megapixels_per_second > 0
    assert cleaned.seconds is not None
    assert cleaned.seconds > 0
    assert cleaned.share is None
    assert noisy.megapixels_per_second is None


def test_networks_get_a_share_of_the_machines_rate(folder: Path, toy_weights: Path) -> None:
    row = bench([str(toy_weights)], [clean_set(folder)], Terms([25]))[1]
    assert row.share is not None
    assert 0 < row.share < 5


def test_what_would_take_too_long_is_left_out(folder: Path, tmp_path: Path) -> None:
    larger = tmp_path / "larger"
    larger.mkdir()
    Image.new("RGB", (640, 480)).save(larger / "0.png")
    pictures = [clean_set(folder / "0.png"), clean_set(larger)]
    rows = bench(["nlm"], pictures, Terms([25], longest=0))
    assert [(row.set, row.psnr is None) for row in rows if row.model == "nlm"] == [("0.png", False), ("larger", True)]
    assert rows[-1].note.startswith("would take")


class Greedy(Filter):
    def into(self, result: object, pixels: object, request: object) -> None:
        raise MemoryError


def test_too_little_memory_is_a_note(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tv = classical.build("tv")
    monkeypatch.setattr(module, "load", lambda model, **options: Greedy(tv.card, tv.size, tv.run))
    row = list(module._measure("tv", [clean_set(folder)], Terms([25])))[-1]
    assert isinstance(row, Row)
    assert (row.psnr, row.note) == (None, "not enough memory")


def test_blind_denoisers_are_not_told_the_level(tmp_path: Path) -> None:
    """On a checkerboard, which wavelets take for noise, the estimate is far off, and so is the result."""
    board = np.indices((64, 64)).sum(axis=0) % 2 * 80 + 80
    Image.fromarray(np.repeat(board[:, :, None], 3, axis=2).astype(np.uint8)).save(tmp_path / "board.png")
    told, blind = (bench(["nlm"], [clean_set(tmp_path)], Terms([5], blind=blind))[1].psnr for blind in (False, True))
    assert told > blind + 3


def test_bench_takes_real_pairs_as_they_are(folder: Path, tmp_path: Path) -> None:
    shots = tmp_path / "shots"
    shots.mkdir()
    for path in sorted(folder.iterdir()):
        noisy = np.asarray(Image.open(path)) + np.random.default_rng(0).normal(0, 9, (48, 64, 3))
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(shots / path.name)
    rows = bench(["gaussian"], [paired_set(str(shots), str(folder))], Terms([25]))
    assert [(row.model, row.sigma, row.pictures) for row in rows] == [("noisy", None, 2), ("gaussian", None, 2)]
    assert rows[1].psnr > rows[0].psnr + 3


def test_pictures_too_small_for_ssim_are_named(tmp_path: Path) -> None:
    Image.new("RGB", (10, 40)).save(tmp_path / "small.png")
    with pytest.raises(PictureError, match=r"small\.png is smaller than 11"):
        bench([], [clean_set(tmp_path)], Terms([25]))


def test_the_psnr_of_equals_is_null_in_json() -> None:
    row = Row("set", 0.0, "median", 1, psnr=float("inf"))
    assert row.facts()["psnr"] is None


def test_what_a_network_does_channel_by_channel_counts_for_each(tmp_path: Path) -> None:
    weights.write(tmp_path / "gray.safetensors", toy_card("dncnn", 1), toy_network("dncnn", 1).state_dict())
    denoiser = load(str(tmp_path / "gray.safetensors"), device="cpu")
    clean = np.full((20, 30, 3), 0.5, np.float32)
    of_three, of_one = (_figures(denoiser, x, x, None, again=False).multiply_adds for x in (clean, clean[:, :, :1]))
    assert of_three == 3 * of_one == 3 * 600 * denoiser.card.macs_per_pixel
