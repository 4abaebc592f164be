"""Two networks as one denoiser: one for colour, one for gray."""

from __future__ import annotations

from dataclasses import dataclass

from denoise_cli.denoisers.card import Card
from denoise_cli.denoisers.denoiser import ByParts, Denoiser, Progress
from denoise_cli.images.image import Canvas, Pixels, Stored


@dataclass(frozen=True)
class ByColour(ByParts):
    """Pictures of three channels go to `colour`, all others to `gray`."""

    colour: Denoiser
    gray: Denoiser

    @property
    def card(self) -> Card:
        return self.colour.card

    def into(
        self,
        result: Pixels | Canvas,
        pixels: Pixels | Stored,
        *,
        sigma: float | None = None,
        strength: float = 1.0,
        progress: Progress | None = None,
    ) -> None:
        self._chosen(pixels).into(result, pixels, sigma=sigma, strength=strength, progress=progress)

    def estimate(self, pixels: Pixels | Stored) -> float:
        return self._chosen(pixels).estimate(pixels)

    def _chosen(self, pixels: Pixels | Stored) -> Denoiser:
        return self.colour if pixels.shape[2] == 3 else self.gray
