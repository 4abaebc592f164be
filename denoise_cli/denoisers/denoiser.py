"""What all denoisers have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from denoise_cli.denoisers.card import Card
from denoise_cli.errors import UsageError
from denoise_cli.images.image import Canvas, Pixels, Stored
from denoise_cli.runtime import tiles

BAND = 256  # rows at once of what sees only so far: bounds memory, and progress shows
Progress = Callable[[int, int], None]  # pixels done, pixels in all


@dataclass(frozen=True)
class Request:
    """How a picture is to be denoised; `Denoiser.__call__` says what the fields mean."""

    sigma: float | None = None
    strength: float = 1.0
    progress: Progress | None = None


class Denoiser(ABC):
    """A function from pixels to pixels with a card, its facts."""

    card: Card

    def __call__(
        self, pixels: Pixels, *, sigma: float | None = None, strength: float = 1.0, progress: Progress | None = None
    ) -> Pixels:
        """The picture without noise: float32 `[height, width, channels]`, 1.0 = white, as given.

        `sigma` is the noise's standard deviation on the 0..255 scale; None: it is estimated or not needed.
        `strength`, 0 to 1, scales the level of a denoiser that is told one; the results of others are blended with the
        picture.
        Raises UsageError when a sigma is given to a denoiser that takes none.
        """
        result: Pixels = np.empty(pixels.shape, np.float32)
        self.into(result, pixels, Request(sigma, strength, progress))
        return result

    @abstractmethod
    def into(self, result: Pixels | Canvas, pixels: Pixels | Stored, request: Request) -> None:
        """Puts the picture without noise into `result`, part by part where its network or filter can."""

    @abstractmethod
    def estimate(self, pixels: Pixels | Stored) -> float:
        """The noise level on the 0..255 scale that it finds in a picture."""


def check_sigma(card: Card, sigma: float | None) -> None:
    """Raises UsageError when a sigma is given to a denoiser that takes none, or makes no sense."""
    if sigma is None:
        return
    if card.level == "blind":
        raise UsageError(f"{card.name} judges the noise level itself and takes no sigma; --strength makes it milder")
    if card.level == "none":
        raise UsageError(f"{card.name} takes no sigma; its --size sets how much it smooths")
    if not 0 <= sigma <= 255:
        raise UsageError(f"sigma is a standard deviation on the 0..255 scale, not {sigma:g}")


def blended(clean: Pixels, noisy: Pixels, strength: float) -> Pixels:
    """The result at a strength of 0 to 1, in place of the clean picture."""
    if strength != 1:
        clean -= noisy
        clean *= np.float32(strength)
        clean += noisy
    return clean


def copied(result: Pixels | Canvas, pixels: Pixels | Stored) -> None:
    """Puts the picture into `result` as it is, in bands, so that it is never floats as a whole."""
    height, width, _ = pixels.shape
    tiles.apply(lambda band: band, pixels, tiles.plan(height, width, tile=(BAND, width), margin=0), result)
