"""Noise on a drawn digit, and what networks for digits make of it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from denoise_cli.demo.shelf import Shelf
from denoise_cli.errors import UsageError
from denoise_cli.images.image import Pixels
from denoise_cli.measure.quality import as_8_bit, finite, psnr
from denoise_cli.mnist.data import SIDE
from denoise_cli.noise.spec import NoiseRange
from denoise_cli.noise.synthetic import add_noise


@dataclass(frozen=True)
class Drawing:
    """What the page sends: a digit `[28, 28, 1]`, 0..1, the noise it is to get, and who is to take that out."""

    pixels: Pixels
    noise: NoiseRange
    seed: int
    models: tuple[str, ...]

    @classmethod
    def parse(cls, fields: object) -> Drawing:
        """From JSON: `pixels`, 784 numbers from 0 to 255, row by row; `noise`, KIND:LEVEL; `seed`; `models`, each once.

        Raises UsageError.
        """
        if not isinstance(fields, Mapping):
            raise UsageError("a drawing is a JSON object with pixels, noise and models")
        values, models, seed = fields.get("pixels"), fields.get("models", ()), fields.get("seed", 0)
        if not isinstance(values, Sequence) or len(values) != SIDE**2 or not all(map(_is_sample, values)):
            raise UsageError(f"pixels are {SIDE**2} numbers from 0 to 255")
        if isinstance(models, str) or not isinstance(models, Sequence) or not all(isinstance(m, str) for m in models):
            raise UsageError("models is a list of names")
        if len(set(models)) < len(models):
            raise UsageError("models names one twice")
        if type(seed) is not int or seed < 0:
            raise UsageError("seed is a whole number, 0 or more")
        pixels = np.array(values, np.float32).reshape(SIDE, SIDE, 1) / np.float32(255)
        return cls(pixels, NoiseRange.parse(str(fields.get("noise", "gaussian:0"))), seed, tuple(models))


def denoise_drawing(drawing: Drawing, shelf: Shelf) -> dict[str, object]:
    """JSON: the noisy digit and each model's result as 784 numbers from 0 to 255, with PSNR and milliseconds.

    Raises UsageError for a model that is not offered.
    """
    noisy = np.clip(add_noise(drawing.pixels, drawing.noise, np.random.default_rng(drawing.seed)), 0, 1)
    results = []
    for name in drawing.models:
        denoiser = shelf.get(name)
        started = time.perf_counter()
        clean = denoiser(noisy)
        milliseconds = 1000 * (time.perf_counter() - started)
        results.append({"model": name, **_shown(clean, drawing.pixels), "milliseconds": round(milliseconds, 1)})
    return {"noisy": _shown(noisy, drawing.pixels), "results": results}


def _is_sample(value: object) -> bool:
    return isinstance(value, (int, float)) and 0 <= value <= 255


def _shown(pixels: Pixels, original: Pixels) -> dict[str, object]:
    return {"pixels": as_8_bit(pixels).ravel().tolist(), "psnr": finite(round(psnr(pixels, original), 2))}
