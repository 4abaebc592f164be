from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from denoise_cli.noise.blocks import BLOCK, correlation, low_and_high, planes, share_above, some_blocks


def noise(width: float) -> np.ndarray:
    grain = np.random.default_rng(0).standard_normal((400, BLOCK, BLOCK))
    return gaussian_filter(grain, (0, width, width), mode="wrap") if width else grain


def test_planes_are_taken_off() -> None:
    rows, columns = np.mgrid[:BLOCK, :BLOCK]
    plane = np.stack([0.5 + 0.1 * rows - 0.3 * columns, 7 - 2.0 * rows])
    assert np.allclose(plane, planes(plane))


def test_both_bands_have_the_power_of_white_noise() -> None:
    low, high = low_and_high(3 * noise(0))
    assert low.mean() == pytest.approx(9, rel=0.05)
    assert high.mean() == pytest.approx(9, rel=0.05)


@pytest.mark.parametrize("width", [0.0, 0.35, 0.5])
def test_what_is_above_is_known_from_correlations(width: float) -> None:
    grain = noise(width)
    share = low_and_high(grain)[1].mean() / grain.var()
    assert share_above(correlation(grain)) == pytest.approx(share, rel=0.1)


def test_blocks_come_from_all_over_a_picture() -> None:
    picture = np.arange(40 * 70 * 3, dtype=np.float32).reshape(40, 70, 3)
    blocks = some_blocks(picture, 100, np.random.default_rng(0))
    assert blocks.shape == (2 * 4, 3, BLOCK, BLOCK)
    assert {float(block[1, 0, 0]) for block in blocks} == {
        float(picture[row * BLOCK, column * BLOCK, 1]) for row in range(2) for column in range(4)
    }
    assert some_blocks(picture, 3, np.random.default_rng(0)).shape[0] == 3
    picture[20, 20, 1] = np.nan
    assert len(some_blocks(picture, 100, np.random.default_rng(0))) == 2 * 4 - 1
    assert some_blocks(picture[:10], 3, np.random.default_rng(0)).shape == (0, 3, BLOCK, BLOCK)
