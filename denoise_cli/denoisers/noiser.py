"""What adds noise: from outside a Denoiser, so that files pass through it as through one."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from denoise_cli.denoisers.card import Card
from denoise_cli.denoisers.denoiser import ByParts, Progress, blended
from denoise_cli.images.image import Canvas, Pixels, Stored
from denoise_cli.noise.estimate import estimate_sigma
from denoise_cli.noise.spec import NoiseRange
from denoise_cli.noise.synthetic import add_noise


@dataclass(frozen=True)
class Noiser(ByParts):
    """Adds noise that follows from `seed` and from the picture: the same in every run, another for every picture."""

    noise: NoiseRange
    seed: int

    @property
    def card(self) -> Card:
        return Card("noise", "classical", f"adds {self.noise.kind} noise", "none")

    def into(
        self,
        result: Pixels | Canvas,
        pixels: Pixels | Stored,
        *,
        sigma: float | None = None,
        strength: float = 1.0,
        progress: Progress | None = None,
    ) -> None:
        clean = pixels[:, :]
        own = zlib.crc32(np.ascontiguousarray(clean).data)
        noisy = add_noise(clean, self.noise, np.random.default_rng([self.seed, own]))
        result[:, :] = blended(noisy, clean, strength)

    def estimate(self, pixels: Pixels | Stored) -> float:
        return estimate_sigma(pixels)
