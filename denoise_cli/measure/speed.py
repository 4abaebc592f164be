"""How fast a denoiser is here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import TypeVar

import numpy as np

from denoise_cli.denoisers.denoiser import Denoiser
from denoise_cli.images.image import Pixels

Result = TypeVar("Result")
SIDE, SIGMA = 512, 25.0
RUNS, LONGEST = 3, 5.0  # runs that count after the first, unless that took longer than so many seconds
CPU_MATRIX, GPU_MATRIX = 2048, 8192


def megapixels_per_second(denoiser: Denoiser, height: int = SIDE, width: int = SIDE) -> float:
    """On a noisy colour picture of so many pixels."""
    picture = np.random.default_rng(0).random((height, width, 3), np.float32)
    return height * width / 1e6 / settled(lambda: denoised(denoiser, picture, SIGMA))[1]


def denoised(denoiser: Denoiser, picture: Pixels, sigma: float | None) -> Pixels:
    """What it makes of a picture, told the level if it takes one; None: it is to estimate it."""
    return denoiser(picture, sigma=sigma if denoiser.card.level == "given" else None)


def settled(work: Callable[[], Result]) -> tuple[Result, float]:
    """What it gives, and the median seconds of three runs after a first one, or those of that if it is slow."""
    result, seconds = timed(work)
    if seconds < LONGEST:
        seconds = median(timed(work)[1] for _ in range(RUNS))
    return result, seconds


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """What it gives, and the seconds that takes."""
    started = time.perf_counter()
    result = work()
    return result, max(time.perf_counter() - started, 1e-9)


def multiplication_rate(device: str, precision: str) -> Iterator[float]:
    """Multiply-adds a second of large matrices, in the precision that networks compute in: the most there is to have.

    Gives one value; a generator so that it can work in a process of its own. Raises UsageError for a device or
    precision that there is not.
    """
    import torch

    from denoise_cli.runtime.device import choose_device
    from denoise_cli.runtime.precision import choose_dtype

    on = choose_device(device)
    side = CPU_MATRIX if on.type == "cpu" else GPU_MATRIX
    matrix: Pixels = np.random.default_rng(0).random((side, side), np.float32)
    factor = torch.from_numpy(matrix).to(on, choose_dtype(precision, on))
    # The last entry comes back to the host, so that a GPU has done its work when time is up.
    yield side**3 / settled(lambda: float((factor @ factor)[-1, -1]))[1]
