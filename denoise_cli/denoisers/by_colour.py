"""Two networks as one denoiser: one for colour, one for gray."""

from __future__ import annotations

from denoise_cli.denoisers.denoiser import Denoiser, Request
from denoise_cli.images.image import Canvas, Pixels, Stored


class ByColour(Denoiser):
    """Pictures of three channels go to `colour`, all others to `gray`."""

    def __init__(self, colour: Denoiser, gray: Denoiser) -> None:
        self.card = colour.card
        self._colour, self._gray = colour, gray

    def into(self, result: Pixels | Canvas, pixels: Pixels | Stored, request: Request) -> None:
        self._chosen(pixels).into(result, pixels, request)

    def level_of(self, pixels: Pixels | Stored) -> float:
        return self._chosen(pixels).level_of(pixels)

    def _chosen(self, pixels: Pixels | Stored) -> Denoiser:
        return self._colour if pixels.shape[2] == 3 else self._gray
