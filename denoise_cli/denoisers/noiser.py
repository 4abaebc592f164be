"""What adds noise: from outside a Denoiser, so that files pass through it as through one."""

from __future__ import annotations

import zlib

import numpy as np

from denoise_cli.denoisers.card import Card
from denoise_cli.denoisers.denoiser import Denoiser, Request, blended
from denoise_cli.images.image import Canvas, Pixels, Stored
from denoise_cli.noise.estimate import estimate_sigma
from denoise_cli.noise.spec import NoiseRange
from denoise_cli.noise.synthetic import add_noise


class Noiser(Denoiser):
    """Adds noise that follows from `seed` and from the picture: the same in every run, another for every picture."""

    def __init__(self, noise: NoiseRange, seed: int) -> None:
        # Of the two families the one that has no weights.
        self.card = Card("noise", "classical", f"adds {noise.kind} noise", "none")
        self._noise, self._seed = noise, seed

    def into(self, result: Pixels | Canvas, pixels: Pixels | Stored, request: Request) -> None:
        clean, total = pixels[:, :], pixels.shape[0] * pixels.shape[1]
        if request.progress is not None:
            request.progress(0, total)
        own = zlib.crc32(np.ascontiguousarray(clean).data)
        noisy = add_noise(clean, self._noise, np.random.default_rng([self._seed, own]))
        result[:, :] = blended(noisy, clean, request.strength)
        if request.progress is not None:
            request.progress(total, total)

    def level_of(self, pixels: Pixels | Stored) -> float:
        return estimate_sigma(pixels)
