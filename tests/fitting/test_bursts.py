from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter, shift

from denoise_cli.fitting.bursts import Triple, witnesses
from denoise_cli.fitting.survey import Frame

SIDE, SIGMA = 240, 0.05


def scene() -> np.ndarray:
    random = np.random.default_rng(0)
    sizes = [gaussian_filter(random.standard_normal((SIDE, SIDE, 1)), (size, size, 0)) * size for size in (2, 6, 15)]
    return (0.5 + 0.2 * sum(sizes)).astype(np.float32)


def burst(folder: Path, moves: list[tuple[float, float]]) -> list[Frame]:
    frames = []
    folder.mkdir(exist_ok=True)
    for number, move in enumerate(moves):
        grain = np.random.default_rng(number).normal(0, SIGMA, (SIDE, SIDE, 1))
        path = folder / f"{number}.tif"
        tifffile.imwrite(path, (shift(scene(), (*move, 0), order=3, mode="mirror") + grain).astype(np.float32)[..., 0])
        frames.append(Frame(path))
    return frames


def crops(frames: list[Frame], count: int = 3, *, median: bool = False) -> list[Triple]:
    found = witnesses(frames, crops=count, side=64, random=np.random.default_rng(0), median=median)
    return [triple for triples in found for triple in triples]


def test_the_two_halves_tell_a_results_true_error(tmp_path: Path) -> None:
    """The mean of (result - one) (result - other) is that of (result - truth) squared, whatever the result."""
    found = crops(burst(tmp_path, [(0, 0), (3, -2), (-1.4, 2.6), (0.5, 0.5)]), count=6)
    assert len(found) == 6 * 4
    product = [np.nanmean((frame - one) * (frame - other)) for frame, one, other in found]
    assert np.mean(product) == pytest.approx(SIGMA**2, rel=0.1)
    smooth = [gaussian_filter(frame, (1.5, 1.5, 0)) for frame, _, _ in found]
    error = np.mean([np.nanmean((s - one) * (s - other)) for s, (_, one, other) in zip(smooth, found, strict=True)])
    assert 0 < error < 0.5 * SIGMA**2


def test_of_two_frames_each_is_the_others_witness(tmp_path: Path) -> None:
    first, second = crops(burst(tmp_path, [(0, 0), (0, 0)]), count=1)
    for frame, one, other in (first, second):
        assert np.array_equal(one, other, equal_nan=True)
        assert np.nanstd(frame - one) == pytest.approx(SIGMA * 2**0.5, rel=0.15)
    assert np.nanmax(np.abs(first[0] - second[1])) < 0.05


def test_samples_that_were_struck_tell_nothing(tmp_path: Path) -> None:
    frames = burst(tmp_path, [(0, 0)] * 2)
    clean = [tifffile.imread(frame.path) for frame in frames]
    for number, frame in enumerate(frames):
        pixels = clean[number].copy()
        pixels[np.random.default_rng(50 + number).random(pixels.shape) < 0.1] = 1.0
        tifffile.imwrite(frame.path, pixels)
    place = {"crops": 1, "side": 64, "random": np.random.default_rng(0)}
    ((first, second),) = witnesses(frames, **place, impulses=True)  # type: ignore[arg-type]
    for (frame, one, _), (_, another, _) in ((first, second), (second, first)):
        assert 0.05 < (frame == 1).mean() < 0.15  # what is to be denoised stays as it is
        assert 0.05 < np.isnan(one).mean() < 0.2
        assert np.nanmax(one) < 1
        assert np.isnan(another[frame == 1]).mean() > 0.9


def test_medians_are_not_moved_by_impulses(tmp_path: Path) -> None:
    frames = burst(tmp_path, [(0, 0)] * 13)
    for number, frame in enumerate(frames):
        pixels = tifffile.imread(frame.path)
        pixels[np.random.default_rng(50 + number).random(pixels.shape) < 0.1] = 1.0
        tifffile.imwrite(frame.path, pixels)
    halves = {median: crops(frames, count=1, median=median)[0][1] for median in (False, True)}
    truth = crops(burst(tmp_path / "clean", [(0, 0)] * 13), count=1)[0][1]
    error = {median: np.nanmean(half - truth) for median, half in halves.items()}
    assert error[False] > 0.02
    assert abs(error[True]) < 0.5 * error[False]


@pytest.mark.parametrize("count", [4, 5, 6])
def test_medians_of_clipped_noise_are_no_brighter_than_the_scene(tmp_path: Path, count: int) -> None:
    dark, frames = 0.01, []
    for number in range(count):
        grain = np.random.default_rng(number).normal(0, 0.1, (SIDE, SIDE))
        tifffile.imwrite(tmp_path / f"{number}.tif", (dark + grain).clip(0, 1).astype(np.float32))
        frames.append(Frame(tmp_path / f"{number}.tif"))
    for _, *halves in crops(frames, count=2, median=True):
        assert np.nanmedian(halves) == pytest.approx(dark, abs=0.01)


def test_frames_without_so_large_a_place_in_common_have_none(tmp_path: Path) -> None:
    frames = burst(tmp_path, [(0, 0), (0, 0)])
    assert list(witnesses(frames, crops=1, side=300, random=np.random.default_rng(0))) == []
