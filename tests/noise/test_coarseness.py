from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from denoise_cli.noise.coarseness import coarseness, spread


def test_wide_grain_counts_for_more_than_its_deviation_says() -> None:
    random = np.random.default_rng(0)
    white = random.standard_normal((2, 3, 256, 256), np.float32) / 20
    assert coarseness(0.5 + white, white.std()) == pytest.approx(1, abs=0.1)
    for width in (0.7, 1.0, 1.3):
        blurred = gaussian_filter(white, (0, 0, width, width))
        expected = 2 * np.sqrt(np.pi) * width  # the root of a Gaussian blur's spectrum at zero by its power
        assert coarseness(0.5 + blurred, blurred.std()) == pytest.approx(expected, rel=0.07)


def test_texture_says_nothing_about_grain() -> None:
    random = np.random.default_rng(0)
    white = random.standard_normal((1, 1, 256, 256), np.float32) / 100
    texture = gaussian_filter(np.random.default_rng(0).normal(0, 1, (256, 256)), 1.0).astype(np.float32)
    assert coarseness(white + texture, white.std()) == 1
    half = np.concatenate([white, white + texture], axis=3)
    assert coarseness(half, white.std()) == pytest.approx(1, abs=0.1)


def test_a_pattern_that_repeats_is_never_fainter_than_white_noise() -> None:
    wave = np.sin(np.arange(256) * 2 * np.pi / 5).astype(np.float32)
    pattern = np.outer(wave, wave)[None, None] / 20
    assert coarseness(0.5 + pattern, pattern.std()) == 1
    assert spread((0.3, -0.8, -0.8)) == 1
