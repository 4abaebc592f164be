"""What a file format can hold, and the functions that read and write it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from denoise_cli.errors import PictureError
from denoise_cli.images.image import Image, Mode

# The types of errors whose words are about the program and not about the file.
FOR_PROGRAMMERS = (TypeError, LookupError, AttributeError, ArithmeticError, AssertionError)


def damaged(error: Exception, where: str = "") -> PictureError:
    """What to say about a file that made a library raise that error, with its words where they are of use."""
    if isinstance(error, MemoryError):
        return PictureError(f"needs more memory than there is{where}")
    reason = "" if isinstance(error, FOR_PROGRAMMERS) or not str(error) else f" ({error})"
    return PictureError(f"is damaged or cut short{where}{reason}")


def handed_over(images: list[Image]) -> Iterator[Image]:
    """The images one by one, none of which is kept: a large one is gone as soon as whoever took it drops it."""
    while images:
        yield images.pop(0)


@dataclass(frozen=True)
class SaveOptions:
    """About the file to be written. `quality`: 1 to 100, of JPEG and lossy WebP. `count`: of pictures."""

    quality: int = 95
    count: int = 1


@dataclass(frozen=True)
class Opened:
    """A file that is being read: how many pictures it holds, and those, each read when its turn comes."""

    format: str
    count: int
    images: Iterator[Image]

    @classmethod
    def of_one(cls, name: str, image: Image) -> Opened:
        """A file that holds one picture."""
        return cls(name, 1, handed_over([image]))


@dataclass(frozen=True)
class Codec:
    """A file format.

    `bits`: the widths of integer samples it holds. `side`: the largest width and height, if there is one. `opaque`: the
    suffixes of its files that hold no transparency, where others do.
    `starts` recognises a file by its first 16 bytes. `read` takes a seekable file. Neither `read` nor `write` keeps a
    picture longer than it must, for pictures may be as large as half the memory.
    """

    name: str
    suffixes: tuple[str, ...]
    starts: Callable[[bytes], bool]
    read: Callable[[BinaryIO], Opened]
    write: Callable[[BinaryIO, Iterator[Image], SaveOptions], None]
    modes: frozenset[Mode]
    bits: tuple[int, ...] = (8,)
    floats: bool = False
    alpha: bool = False
    opaque: tuple[str, ...] = ()
    exif: bool = False
    many: bool = False
    side: int | None = None
