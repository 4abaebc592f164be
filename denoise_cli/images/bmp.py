"""BMP. Read by Pillow; written here, since Pillow writes neither palettes of less than 8 bits nor alpha."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from denoise_cli.images.codec import Codec, Opened, SaveOptions
from denoise_cli.images.image import Image, Metadata, Samples, to_samples
from denoise_cli.images.pillow import image_of, opened, with_palette

GRAYS = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
BIT_FIELDS = 3
# Where blue, green, red and alpha are in a pixel of 32 bits, and "sRGB"; the rest of a version 4 header is unused.
VERSION_4 = struct.pack("<IIII4s", 0xFF0000, 0xFF00, 0xFF, 0xFF000000, b"BGRs").ljust(68, b"\0")


@dataclass(frozen=True)
class BmpBaggage:
    """The resolution, which is all there is."""

    shared: Metadata
    format: str = "bmp"

    def metadata(self) -> Metadata:
        return self.shared


def read(file: BinaryIO) -> Opened:
    bits = _bits(file.read(30))
    file.seek(0)
    with opened(file, "BMP") as picture:
        picture.load()
        dpi = picture.info.get("dpi")
        baggage, colors = BmpBaggage(Metadata(dpi=dpi if dpi and min(dpi) > 0 else None)), 1 << min(bits, 8)
        return Opened.of_one("bmp", image_of(picture, baggage, colors=colors, close=True))


def write(file: BinaryIO, images: Iterator[Image], options: SaveOptions) -> None:
    image = next(images)
    form, alpha = image.format, image.alpha
    dpi = image.baggage.metadata().dpi if image.baggage else None
    samples = to_samples(image.source, form)
    del image
    palette, header = np.empty((0, 3), np.uint8), b""
    if form.mode == "palette":
        picture = with_palette(samples, None, form.colors)
        palette = np.array(picture.getpalette(), np.uint8).reshape(-1, 3)[: form.colors]
        bits, samples = _depth(form.colors), np.asarray(picture)[:, :, None]
    elif form.mode == "bilevel":
        bits, palette = 1, GRAYS[[0, 255]]
    elif alpha is not None:
        bits, header = 32, VERSION_4
        colors = samples if samples.shape[2] == 3 else np.repeat(samples, 3, axis=2)
        samples = np.concatenate([colors[:, :, ::-1], alpha[:, :, None]], axis=2)
    elif form.mode == "gray":
        bits, palette = 8, GRAYS
    else:
        bits, samples = 24, samples[:, :, ::-1]
    _write(file, samples, bits, palette, header, dpi or (0.0, 0.0))


def _write(
    file: BinaryIO, samples: Samples, bits: int, palette: Samples, version_4: bytes, dpi: tuple[float, float]
) -> None:
    height, width = samples.shape[:2]
    row = (width * bits + 31) // 32 * 4
    start = 54 + len(version_4) + 4 * len(palette)
    per_meter = [min(round(float(dots) / 0.0254), 0x7FFFFFFF) for dots in dpi]
    file.write(struct.pack("<2sIII", b"BM", start + row * height, 0, start))
    file.write(struct.pack("<IiiHHII", 40 + len(version_4), width, height, 1, bits,
                           BIT_FIELDS if version_4 else 0, row * height))  # fmt: skip
    file.write(struct.pack("<iiII", *per_meter, len(palette), 0) + version_4)
    file.write(np.pad(palette[:, ::-1], ((0, 0), (0, 1))).tobytes())  # blue comes first
    for line in samples[::-1]:  # the lowest comes first
        packed = line.tobytes() if bits >= 8 else _packed(line[:, 0], bits)
        file.write(packed.ljust(row, b"\0"))


def _packed(line: Samples, bits: int) -> bytes:
    if bits == 1:
        return np.packbits(line).tobytes()
    pairs = np.pad(line, (0, -len(line) % 2)).reshape(-1, 2)
    return bytes(pairs[:, 0] << 4 | pairs[:, 1])


def _depth(colors: int) -> int:
    return 1 if colors <= 2 else 4 if colors <= 16 else 8


def _bits(start: bytes) -> int:
    """Bits a pixel, from the first 30 bytes of a file; OS/2's header, of 12 bytes, has them elsewhere."""
    at = 24 if start[14:18] == b"\x0c\0\0\0" else 28
    return int.from_bytes(start[at : at + 2], "little")


CODEC = Codec(
    "bmp",
    (".bmp", ".dib"),
    lambda start: start.startswith(b"BM"),
    read,
    write,
    modes=frozenset({"gray", "rgb", "palette", "bilevel"}),
    bits=(1, 8),
    alpha=True,
)
