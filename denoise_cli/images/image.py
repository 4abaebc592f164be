"""The Image: pixels as the denoisers see them, and what is needed to turn them back into the file's own samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.float32]
Samples = npt.NDArray[Any]
Mode = Literal["gray", "rgb", "cmyk", "palette", "bilevel", "channels"]

# The whites that pictures are scaled to whose type of sample does not say what is white; see `white_of`.
WHITES = (255.0, 1023.0, 4095.0, 16383.0, 65535.0)
LARGEST_LIGHT = 1e30  # what is larger marks missing values, as 3.4e38 often does
ROWS_AT_ONCE = 64


@dataclass(frozen=True)
class PixelFormat:
    """How a file stores its pixels.

    `dtype` is that of a sample, `bits` how many of it count, `white` the sample value that is 1.0 in `Image.pixels`.
    `inverted`: larger samples are darker (ink, or TIFF's white-is-zero). A palette has `colors` entries at most.
    `maximum` is the largest sample where `bits` do not say it, as in a PGM of maximum value 1000.
    """

    mode: Mode
    dtype: np.dtype[Any]
    bits: int
    white: float
    inverted: bool = False
    colors: int = 256
    maximum: float | None = None

    @property
    def largest(self) -> float:
        """The largest sample the file can hold, which is also its opaque alpha; 1.0 of floats, which have no limit."""
        if self.maximum is not None:
            return self.maximum
        if self.dtype.kind == "u":
            return float((1 << self.bits) - 1)
        return float(np.iinfo(self.dtype).max) if self.dtype.kind == "i" else 1.0

    @property
    def says_white(self) -> bool:
        """Whether its type of sample does; otherwise white is a guess from the samples (`white_of`)."""
        return self.dtype.kind in "ui" and (self.bits <= 16 or self.inverted)

    @classmethod
    def integer(cls, mode: Mode, bits: int, *, inverted: bool = False, colors: int = 256) -> PixelFormat:
        """Unsigned samples of `bits` bits."""
        dtype = np.dtype(np.uint8 if bits <= 8 else np.uint16 if bits <= 16 else np.uint32)
        return cls(mode, dtype, bits, float((1 << bits) - 1), inverted, colors)


@dataclass(frozen=True)
class Metadata:
    """What every format can say about a picture, in the form that they share."""

    icc: bytes | None = None
    exif: bytes | None = None  # a TIFF structure, without the `Exif\0\0` in front
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None


class Baggage(Protocol):
    """All that a file had besides pixels, in its format's own terms, so that nothing is lost within a format."""

    @property
    def format(self) -> str:
        """The format's name, such as `png`."""

    def metadata(self) -> Metadata:
        """The part of it that other formats understand."""


@dataclass(frozen=True, eq=False)
class Stored:
    """Pixels as samples of a file, `[height, width, channels]`, made floats where they are looked at: those of a whole
    picture take four times the memory of 8-bit samples.
    """

    samples: Samples
    form: PixelFormat

    @property
    def shape(self) -> tuple[int, int, int]:
        height, width, channels = self.samples.shape
        return height, width, channels

    def __getitem__(self, where: tuple[slice, ...]) -> Pixels:
        return to_pixels(self.samples[where], self.form)


@dataclass(frozen=True, eq=False)
class Canvas(Stored):
    """Stored pixels that a result is put into, part by part."""

    @classmethod
    def of(cls, shape: tuple[int, int, int], form: PixelFormat) -> Canvas:
        """An empty one."""
        return cls(np.empty(shape, form.dtype), form)

    def __setitem__(self, where: tuple[slice, ...], pixels: Pixels) -> None:
        self.samples[where] = to_samples(pixels, self.form)

    def settle(self, row: int | None = None) -> None:
        """Says that nobody looks any more at the picture above this row, or at any of it."""


@dataclass(frozen=True)
class Image:
    """One picture (of a file that may hold several).

    `source`: its pixels, float32 `[height, width, channels]`, 1.0 = white, or what they are made of. `alpha`: the
    file's own samples `[height, width]`, of which `format.largest` is opaque. `premultiplied`: pixels are multiplied by
    alpha (TIFF's "associated" alpha). `missing`: the sample value of pixels that are none.
    """

    source: Pixels | Stored
    format: PixelFormat
    alpha: Samples | None = None
    baggage: Baggage | None = field(default=None, compare=False)
    premultiplied: bool = False
    missing: float | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self.source.shape

    @property
    def pixels(self) -> Pixels:
        """All of them, made anew at every use where they are stored."""
        return self.source if isinstance(self.source, np.ndarray) else self.source[:, :]


def to_pixels(samples: Samples, form: PixelFormat) -> Pixels:
    """Samples of a file, `[height, width]` or `[height, width, channels]`, as pixels."""
    with np.errstate(over="ignore", invalid="ignore"):  # a float64 beyond float32 becomes infinite, and is left alone
        pixels = np.array(samples, np.float32)
    pixels /= np.float32(form.white)  # not times its inverse, by which white comes out as 0.99999994 here and there
    if form.inverted:
        np.subtract(1, pixels, out=pixels)
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


def stored(samples: Samples, form: PixelFormat) -> Stored:
    """Of samples `[height, width]` or `[height, width, channels]`."""
    return Stored(samples if samples.ndim == 3 else samples[:, :, None], form)


def bands(height: int) -> Iterator[slice]:
    """All rows, some at once: for what would otherwise hold a large picture once more."""
    return (slice(top, top + ROWS_AT_ONCE) for top in range(0, height, ROWS_AT_ONCE))


def to_samples(pixels: Pixels | Stored, form: PixelFormat) -> Samples:
    """Pixels as samples of a file, `[height, width, channels]`: integers rounded and clipped, floats left alone.

    NaN, which integers cannot hold, becomes 0. A canvas of that format has them already.
    """
    if isinstance(pixels, Canvas) and pixels.form == form:
        return pixels.samples
    samples = np.empty(pixels.shape, form.dtype)
    for rows in bands(pixels.shape[0]):
        with np.errstate(over="ignore", invalid="ignore"):
            samples[rows] = _rows_of_samples(pixels[rows, :], form)
    return samples


def _rows_of_samples(pixels: Pixels, form: PixelFormat) -> npt.NDArray[Any]:
    scaled = (1 - pixels if form.inverted else pixels) * np.float32(form.white)
    if form.dtype.kind == "f":
        return np.asarray(scaled)
    low = float(np.iinfo(form.dtype).min)
    wide = scaled.astype(np.float64) if form.bits > 24 else scaled  # float32 cannot hold 32-bit limits
    np.nan_to_num(wide, copy=False, nan=0.0, posinf=np.inf, neginf=-np.inf)
    high = form.largest
    if high > np.iinfo(form.dtype).max:  # as the largest of 64 bits is, once it is a float
        high = float(np.nextafter(high, 0))
    return np.asarray(np.clip(np.rint(wide), low, high))


def rescaled(image: Image, white: float) -> Image:
    """The same picture with another sample value as its white."""
    form, source = replace(image.format, white=white), image.source
    if isinstance(source, Stored) and source.form == image.format:
        samples = source.samples
    else:
        samples = to_samples(source, image.format)
    return replace(image, source=Stored(samples, form), format=form)


def white_of(samples: Samples) -> float:
    """The value that counts as white in a picture of floats, or of integers of more than 16 bits, which nothing fills.

    Of floats it is 1.0, however dark the picture is and even if highlights exceed it, unless more than one sample in a
    thousand is above 8: then the picture was evidently scaled otherwise. It is then, and always of integers, the first
    of 255, 1023, 4095, 16383 and 65535 that those brightest thousandths do not exceed, or their own value if it is
    above 65535. Values that mark missing ones (beyond 1e30, infinite or no number) do not count.
    """
    above = count = 0
    for rows in bands(samples.shape[0]):
        lit = np.abs(samples[rows]) < np.float32(LARGEST_LIGHT)
        above += np.count_nonzero(lit & (samples[rows] > 8))
        count += np.count_nonzero(lit)
    if samples.dtype.kind == "f" and above * 1000 <= count:
        return 1.0
    lit = np.abs(samples) < np.float32(LARGEST_LIGHT)
    values = samples[lit].astype(np.float32)  # in float16, quantiles of many values overflow
    bright = float(np.partition(values, count - 1 - count // 1000)[count - 1 - count // 1000])
    return next((white for white in WHITES if bright <= white), bright)
