"""How fast a denoiser is here."""

from __future__ import annotations

import time
from statistics import median

import numpy as np

from denoise_cli.denoisers.denoiser import Denoiser
from denoise_cli.images.image import Pixels

SIDE = 512
RUNS, LONGEST = 3, 2.0  # runs that count after the first, unless that took longer than so many seconds


def megapixels_per_second(denoiser: Denoiser) -> float:
    """On a noisy colour picture of 512 x 512 pixels: the median of three runs after a first one, less if it is slow."""
    picture = np.random.default_rng(0).random((SIDE, SIDE, 3), np.float32)
    sigma = 25.0 if denoiser.card.level == "given" else None
    seconds = [_seconds(denoiser, picture, sigma)]
    if seconds[0] < LONGEST:
        seconds = [_seconds(denoiser, picture, sigma) for _ in range(RUNS)]
    return SIDE**2 / 1e6 / median(seconds)


def _seconds(denoiser: Denoiser, picture: Pixels, sigma: float | None) -> float:
    started = time.perf_counter()
    denoiser(picture, sigma=sigma)
    return time.perf_counter() - started
