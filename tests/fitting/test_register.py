from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, shift

from denoise_cli.fitting.register import REACH, Square, drift, registered

SIDE = 320


def scene(seed: int = 0) -> np.ndarray:
    """Blobs of all sizes, float32 `[320, 320, 3]`."""
    random = np.random.default_rng(seed)
    sizes = [gaussian_filter(random.standard_normal((SIDE, SIDE, 3)), (size, size, 0)) * size for size in (2, 6, 15)]
    return (0.5 + 0.3 * sum(sizes)).astype(np.float32)


def shot(moved: tuple[float, float], seed: int, noise: float = 0.05) -> np.ndarray:
    grain = np.random.default_rng(seed).normal(0, noise, (SIDE, SIDE, 3))
    return (shift(scene(), (*moved, 0), order=3, mode="nearest") + grain).astype(np.float32)


@pytest.mark.parametrize("moved", [(0, 0), (9, -14), (3.4, 5.7)])
def test_a_moved_frame_is_laid_upon_another_under_noise(moved: tuple[float, float]) -> None:
    first, second = shot((0, 0), seed=1), shot(moved, seed=2)
    rough = drift(first, second)
    assert np.abs(np.subtract(rough, moved)).max() <= 1
    place = Square(100, 90, 128)
    laid = registered(first, second, place, rough)
    error = laid - place.of(scene())
    assert np.isnan(laid).mean() < 0.02
    assert np.nanstd(gaussian_filter(np.nan_to_num(error), (3, 3, 0))) < 0.01  # noise aside
    assert 0.6 * 0.05 < np.nanstd(error) < 1.1 * 0.05  # a fraction of a pixel's shift smooths some of the noise


def test_other_light_is_matched() -> None:
    first, second = shot((0, 0), seed=1), shot((2, 2), seed=2)
    laid = registered(first, 0.9 * second + 0.06, Square(64, 64, 128), (2, 2))
    smooth = gaussian_filter(np.nan_to_num(laid - Square(64, 64, 128).of(scene())), (3, 3, 0))
    assert np.abs(smooth).mean() < 0.01


@pytest.mark.parametrize("exposure", [0.5, 2.0])
def test_what_was_exposed_otherwise_is_unknown(exposure: float) -> None:
    first, second = shot((0, 0), seed=1), shot((0, 0), seed=2)
    assert np.isnan(registered(first, exposure * second, Square(64, 64, 128), (0, 0))).all()
    blue = second * np.array([1, 1, exposure], np.float32)
    unknown = np.isnan(registered(first, blue, Square(64, 64, 128), (0, 0)))
    assert unknown.mean(axis=(0, 1)).round(1).tolist() == [0, 0, 1]


def test_the_contrast_of_a_faint_scene_is_kept_under_strong_noise() -> None:
    place, faint = Square(64, 64, 128), 0.5 + 0.2 * (scene() - 0.5)
    grain = [np.random.default_rng(seed).normal(0, 0.1, faint.shape) for seed in (1, 2)]
    laid = registered(*((faint + noise).astype(np.float32) for noise in grain), place, (0, 0))
    clean = place.of(faint) - place.of(faint).mean(axis=(0, 1))
    known = ~np.isnan(laid)
    contrast = (clean * laid)[known].sum() / (clean**2)[known].sum()
    assert 0.95 < contrast < 1.02


def test_what_moved_and_what_is_out_of_the_frame_is_unknown() -> None:
    first, second = shot((0, 0), seed=1), shot((0, 0), seed=2)
    second[150:170, 120:140] += 0.4
    laid = registered(first, second, Square(96, 96, 128), (0, 0))
    missing = np.isnan(laid[..., 0])
    assert missing[56:72, 26:42].all()
    assert missing.mean() < 0.15
    outside = registered(first, shot((-40, 0), seed=3), Square(0, 0, 128), (-40, 0))
    assert np.isnan(outside[:38]).all()
    assert not np.isnan(outside[45:]).all()


def test_frames_that_have_not_moved_are_not_interpolated() -> None:
    first, second = shot((0, 0), seed=1), shot((0, 0), seed=2)
    place = Square(100, 90, 128)
    laid = registered(first, second, place, (0, 0))
    known = ~np.isnan(laid)
    assert np.corrcoef(laid[known], place.of(second)[known])[0, 1] > 0.9999


def test_lost_samples_are_unknown_where_they_come_to_lie() -> None:
    first, second = shot((0, 0), seed=1), shot((3, -2), seed=2)
    lost = np.zeros(second.shape, bool)
    lost[153, 128, 0] = True
    laid = registered(first, second, Square(100, 90, 128), (3, -2), lost=lost)
    assert np.isnan(laid[50, 40, 0])
    assert not np.isnan(laid[60:80, 60:80]).any()


def test_where_there_is_nothing_to_see_the_whole_frames_drift_counts() -> None:
    first, second = np.full((SIDE, SIDE, 3), 0.5, np.float32), np.full((SIDE, SIDE, 3), 0.5, np.float32)
    grain = np.random.default_rng(0).normal(0, 0.05, (SIDE, SIDE, 3)).astype(np.float32)
    laid = registered(first, second + grain, Square(50, 50, 64), (5, 7))
    assert np.allclose(laid[~np.isnan(laid)], Square(55, 57, 64).of(second + grain)[~np.isnan(laid)], atol=0.01)


def test_places_beyond_the_edge_are_mirrored() -> None:
    frame = np.arange(12, dtype=np.float32).reshape(3, 4, 1)
    assert Square(0, 0, 3).of(frame, 2)[0, :, 0].tolist() == frame[2, [2, 1, 0, 1, 2, 3, 2], 0].tolist()


def test_what_lies_beyond_a_frames_edge_tells_nothing() -> None:
    """Four rows of the scene have left the other frame at its top, where its mirror image is no witness."""
    frame = scene()
    other = np.roll(frame, (-4, 0), axis=(0, 1))
    cuts = [(Square(0, 40, 64).of(one, REACH), Square(0, 40, 64).outside(one, REACH)) for one in (frame, other)]
    assert cuts[0][1] is not None
    assert cuts[0][1].any(axis=(1, 2)).sum() == REACH
    assert Square(40, 40, 20).outside(frame, REACH) is None
    result = registered(cuts[0][0], cuts[1][0], Square(REACH, REACH, 64), (0, 0), lost=cuts[1][1])
    assert np.isnan(result[:4]).all()
    assert np.isfinite(result[6:]).mean() > 0.9
