"""Synthetic noise on pictures."""

from __future__ import annotations

import numpy as np

from denoise_cli.images.image import Pixels


def add_gaussian(pixels: Pixels, sigma: float, *, seed: int, number: int = 0) -> Pixels:
    """White Gaussian noise of a standard deviation on the 0..255 scale, unclipped.

    The noise follows from `seed` and the picture's `number` in its set, so that it is the same in every run and another
    for every picture.
    """
    random = np.random.default_rng([seed, number])
    noise: Pixels = random.standard_normal(pixels.shape, np.float32) * np.float32(sigma / 255)
    return pixels + noise
