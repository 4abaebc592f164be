"""What the tests of the formats share: noise to put into files, and the way through the program without denoising."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL.TiffImagePlugin import IFDRational

from denoise_cli.errors import PictureError
from denoise_cli.images import formats
from denoise_cli.images.codec import SaveOptions
from denoise_cli.images.convert import fitting
from denoise_cli.images.image import Image

ICC = b"\0" * 16 + b"RGB " + bytes(range(256)) * 3
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><noise>12</noise></x:xmpmeta>'


def noise(*shape: int, dtype: npt.DTypeLike = np.uint8, below: int | None = None, seed: int = 1) -> npt.NDArray[Any]:
    """Seeded random integers of the whole range of `dtype`, or of 0 up to `below`."""
    info = np.iinfo(np.dtype(dtype))
    low, high = (info.min, info.max + 1) if below is None else (0, below)
    return np.random.default_rng(seed).integers(low, high, shape, dtype=np.dtype(dtype))


def read(data: bytes, white: float | None = None) -> list[Image]:
    """All pictures of a file."""
    opened = formats.read(io.BytesIO(data), white)
    images = list(opened.images)
    assert len(images) == opened.count
    return images


def write(images: list[Image], name: str, quality: int = 95) -> bytes:
    """A file of that format, each picture fitted into it."""
    codec, file = formats.by_name(name), io.BytesIO()
    codec.write(file, iter([fitting(image, codec) for image in images]), SaveOptions(quality))
    return file.getvalue()


def through(data: bytes, name: str | None = None) -> bytes:
    """A file that was read and written again without denoising, in its own format or another."""
    return write(read(data), name or formats.read(io.BytesIO(data)).format)


def saved(picture: Pillow.Image, format_name: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, format_name, **options)
    return file.getvalue()


def opened(data: bytes) -> Pillow.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        picture = Pillow.open(io.BytesIO(data))
        picture.load()
    return picture


def exif(orientation: int | None = None, order: str = "<") -> bytes:
    """EXIF data (a TIFF structure) with a camera's name, a maker note, an exposure time and a place."""
    tags = Pillow.Exif()
    tags.endian = order
    if orientation is not None:
        tags[0x0112] = orientation
    tags[0x010F] = "Maker"
    details = tags.get_ifd(0x8769)
    details[0x829A] = IFDRational(1, 125)
    details[0x927C] = bytes(range(100))
    place = tags.get_ifd(0x8825)
    place[1] = "N"
    place[2] = (48.0, 8.0, 15.5)
    return tags.tobytes().removeprefix(b"Exif\0\0")


def directories(data: bytes | Pillow.Exif) -> tuple[dict[int, Any], dict[int, Any], dict[int, Any]]:
    """The descriptive tags, details and place of EXIF data, as Pillow reads them."""
    tags = data if isinstance(data, Pillow.Exif) else Pillow.Exif()
    if isinstance(data, bytes):
        tags.load(b"Exif\0\0" + data)
    known = {code: value for code, value in tags.items() if code in (0x010F, 0x0112)}
    return known, dict(tags.get_ifd(0x8769)), dict(tags.get_ifd(0x8825))


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def with_png_chunks(data: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG with more chunks behind its header."""
    return data[:33] + b"".join(png_chunk(*chunk) for chunk in chunks) + data[33:]


def png_chunks(data: bytes) -> dict[bytes, bytes]:
    at, found = 8, {}
    while at < len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        found[name] = found.get(name, b"") + data[at + 8 : at + 8 + length]
        at += 12 + length
    return found


def claiming(png: bytes, width: int, height: int) -> bytes:
    """A PNG that says it is of another size than it is."""
    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return png[:8] + png_chunk(b"IHDR", size + b"\x08\x02\0\0\0") + png[33:]


def assert_harmless(data: bytes, damage: Callable[[bytes], bytes]) -> bool:
    """Reads a damaged file, and writes what can be read; anything but PictureError is a bug. True if it was refused."""
    try:
        images = read(damage(data))
    except PictureError as error:
        sentence = str(error)
        assert sentence.split()[0] in ("is", "has", "holds", "needs"), f"FILE {sentence}"
        return True
    name = images[0].baggage.format if images[0].baggage else ""
    write(images, name)
    return False


def flipped(seed: int) -> Callable[[bytes], bytes]:
    """Damage: one to four bytes replaced by random ones, more often near the beginning than not."""

    def damage(data: bytes) -> bytes:
        rng, changed = np.random.default_rng(seed), bytearray(data)
        for _ in range(int(rng.integers(1, 5))):
            reach = len(data) if rng.random() < 0.5 else min(200, len(data))
            changed[int(rng.integers(2, reach))] = int(rng.integers(256))
        return bytes(changed)

    return damage


def cut(share: float) -> Callable[[bytes], bytes]:
    """Damage: only the first part of a file is there."""
    return lambda data: data[: int(len(data) * share)]
