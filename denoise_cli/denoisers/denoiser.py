"""What all denoisers have in common."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real

import numpy as np

from denoise_cli.denoisers.card import Card
from denoise_cli.errors import UsageError
from denoise_cli.images.image import Canvas, Pixels, Stored
from denoise_cli.runtime import tiles

BAND = 256  # rows at once of what sees only so far: bounds memory, and progress shows
Progress = Callable[[int, int], None]  # pixels done, pixels in all


@dataclass(frozen=True)
class Request:
    """How a picture is to be denoised; `Denoiser.__call__` says what the fields mean.

    `found` is told the noise level, 0..255 scale, that `strength` is then a share of, by denoisers that act on one:
    `sigma` or what they find, of each channel where they take channels one by one.
    """

    sigma: float | None = None
    strength: float = 1.0
    progress: Progress | None = None
    found: Callable[[float], None] | None = None

    def __post_init__(self) -> None:
        """Raises UsageError."""
        check_strength(self.strength)


class Denoiser(ABC):
    """A function from pixels to pixels with a card, its facts."""

    card: Card

    def __call__(
        self, pixels: Pixels, *, sigma: float | None = None, strength: float = 1.0, progress: Progress | None = None
    ) -> Pixels:
        """The picture without noise: float32 `[height, width, channels]`, 1.0 = white, as given.

        `pixels`: floats of any width. `sigma` is the noise's standard deviation on the 0..255 scale; None: it is
        estimated or not needed. `strength`, 0 to 1, scales the level of a denoiser that is told one; the results of
        others are blended with the picture. `progress(done, total)` is called with pixels now and then.
        Raises UsageError when a sigma is given to a denoiser that takes none, for a sigma or strength out of range, and
        for another shape; TypeError for what is no array of floats, or no number; PictureError when a network is given
        samples that are no numbers, or can make none of them, or such samples hide a level that is to be estimated;
        MemoryError.
        """
        pixels = _floats(pixels)
        result: Pixels = np.empty(pixels.shape, np.float32)
        self.into(result, pixels, Request(sigma, as_number("strength", strength), progress))
        return result

    @abstractmethod
    def into(self, result: Pixels | Canvas, pixels: Pixels | Stored, request: Request) -> None:
        """Puts the picture without noise into `result`, part by part where its network or filter can.

        Both are `[height, width, channels]` and of one shape; what `pixels[rows, columns]` gives, and `result` is
        given, is float32, 1.0 = white. Raises what `__call__` does about sigma and samples, and MemoryError.
        """

    def estimate(self, pixels: Pixels) -> float:
        """The noise level, on the 0..255 scale, that it finds in a picture `[height, width, channels]`, 1.0 = white.

        `pixels`: floats of any width. Raises TypeError and UsageError as `__call__` does, and PictureError for samples
        that are no numbers and in its way.
        """
        return self.level_of(_floats(pixels))

    @abstractmethod
    def level_of(self, pixels: Pixels | Stored) -> float:
        """The same of float32, or of what gives it part by part."""


def as_number(name: str, value: object) -> float:
    """An argument that is to be a number, as a float. Raises TypeError, with the argument's name, for what is none."""
    if not isinstance(value, Real):
        raise TypeError(f"{name} is a number, not {type(value).__name__}")
    try:
        return float(value)
    except OverflowError:  # an integer of hundreds of digits, which every check of a range refuses as infinite
        return -math.inf if value < 0 else math.inf


def check_strength(strength: float) -> None:
    """Raises UsageError for a strength out of range."""
    if not 0 <= strength <= 1:
        raise UsageError(f"strength is a number from 0 to 1, not {strength:g}")


def check_sigma(card: Card, sigma: float | None) -> None:
    """Raises UsageError for a sigma where the denoiser takes none, or out of range; TypeError for what is no number."""
    if sigma is None:
        return
    sigma = as_number("sigma", sigma)
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


def copy_into(result: Pixels | Canvas, pixels: Pixels | Stored) -> None:
    """Puts the picture into `result` as it is, in bands, so that it is never floats as a whole."""
    height, width, _ = pixels.shape
    tiles.apply(lambda band: band, pixels, tiles.plan(height, width, tile=(BAND, width), margin=0), result)


def _floats(pixels: Pixels) -> Pixels:
    """As float32. Integers are refused, whose white is not 1.0, and so are masks, which would be lost."""
    if not isinstance(pixels, np.ndarray) or isinstance(pixels, np.ma.MaskedArray) or pixels.dtype.kind != "f":
        kind = f" of {pixels.dtype}" if isinstance(pixels, np.ndarray) else ""
        raise TypeError(
            f"pixels are an array of floats, 1.0 = white, not {type(pixels).__name__}{kind}; denoise() takes integers"
        )
    if pixels.ndim != 3 or 0 in pixels.shape:
        raise UsageError(
            f"pixels are [height, width, channels], not {list(pixels.shape)}; denoise() takes [height, width] too"
        )
    return np.asarray(pixels, np.float32)
