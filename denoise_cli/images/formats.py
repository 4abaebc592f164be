"""The formats that there are, found by a file's content or by a name's suffix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from denoise_cli.errors import PictureError, UsageError
from denoise_cli.images import bmp, jpeg, png, pnm, tiff, webp
from denoise_cli.images.codec import Codec, Opened
from denoise_cli.images.image import LARGEST_LIGHT, Image, rescaled
from denoise_cli.places.place import Place

CODECS: tuple[Codec, ...] = (png.CODEC, jpeg.CODEC, tiff.CODEC, webp.CODEC, bmp.CODEC, pnm.CODEC)
NAMES = "PNG, JPEG, TIFF, WebP, BMP and PNM"
SUFFIXES = frozenset(suffix for codec in CODECS for suffix in codec.suffixes)


def read(file: BinaryIO, white: float | None = None) -> Opened:
    """The pictures of a seekable file, whose content, not its name, tells the format.

    `white` is the sample value that counts as 1.0; None: the largest that the file can hold, and for floats and
    integers of more than 16 bits what `white_of` says. Samples above it are kept.
    Raises PictureError; its text begins with a verb, for a file's name to be put before it.
    """
    found = by_content(file).read(file)
    # `map` and not a generator, which would keep the picture it was made from
    return found if white is None else replace(found, images=map(partial(rescaled, white=white), found.images))


def by_content(file: BinaryIO) -> Codec:
    """The codec of what a file begins with; the file is at its beginning before and after.

    Raises PictureError; its text begins with a verb, for a file's name to be put before it.
    """
    start = file.read(16)
    file.seek(0)
    if not start:
        raise PictureError("is empty")
    for codec in CODECS:
        if codec.starts(start):
            return codec
    raise PictureError(f"is not a picture of a kind that is supported ({NAMES})")


def check_white(white: float | None) -> None:
    """Raises UsageError for what is no sample value of white."""
    if white is not None and not 1 / LARGEST_LIGHT < white < LARGEST_LIGHT:
        span = f"a number above 0, from {1 / LARGEST_LIGHT:g} to {LARGEST_LIGHT:g}"
        raise UsageError(f"white is the sample value of white, {span}, not {white:g}")


def first_picture(path: Path, white: float | None = None) -> tuple[Image, int]:
    """A file's first picture, and how many it holds.

    Raises PictureError, which names the file.
    """
    with opened(path, white) as found:
        return next(found.images), found.count


@contextmanager
def opened(path: Path, white: float | None = None) -> Iterator[Opened]:
    """The pictures of a file, while it is open. Raises PictureError, which names the file."""
    try:
        with path.open("rb") as file:
            yield read(file, white)
    except PictureError as error:
        raise PictureError(f"{path} {error}") from error
    except OSError as error:
        raise PictureError(f"{path} cannot be read ({error.strerror or error})") from error


def by_name(name: str) -> Codec:
    """The codec of that name, such as `png`."""
    return next(codec for codec in CODECS if codec.name == name)


def by_suffix(path: Place) -> Codec:
    """The codec that a file's suffix stands for.

    Raises UsageError for a suffix that stands for none.
    """
    for codec in CODECS:
        if (suffix := path.suffix.lower()) in codec.suffixes:
            return replace(codec, alpha=False) if suffix in codec.opaque else codec
    what = f"{path.suffix} stands for no picture format" if path.suffix else "the name has no suffix to say its format"
    raise UsageError(f"{path}: {what}; there are {NAMES}")
