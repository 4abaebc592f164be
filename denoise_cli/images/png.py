"""PNG. Pixels by Pillow (8 bits and fewer) and libpng (16 bits); all other chunks are carried over byte for byte."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

import imagecodecs
import numpy as np
from PIL import Image as Pillow

from denoise_cli.errors import PictureError
from denoise_cli.images.codec import Codec, Opened, SaveOptions
from denoise_cli.images.image import Image, Metadata, PixelFormat, Samples, stored, to_samples
from denoise_cli.images.pillow import image_of, keep_clear_of, only_still, opened, picture_of, with_key
from denoise_cli.images.png_chunks import PROFILE, SIGNATURE, chunk, chunks, inflated

# iDOT is Apple's, and says where the IDATs were.
NOT_CARRIED = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT", b"hIST", b"iDOT"}
AFTER_PALETTE = {b"tRNS", b"bKGD"}
XMP = b"XML:com.adobe.xmp\0"


@dataclass(frozen=True)
class PngBaggage:
    """Chunks as they stand in the file, and the gray value or colour that counts as transparent, if one does."""

    chunks: tuple[bytes, ...]
    shared: Metadata
    key: tuple[int, ...] | None = None
    format: str = "png"

    def metadata(self) -> Metadata:
        return self.shared


def read(file: BinaryIO) -> Opened:
    data = file.read()
    found = tuple(_bodies(data))
    header = next((body for name, body in found if name == b"IHDR"), b"")
    if len(header) != 13:
        raise PictureError("is damaged: a PNG without a header")
    bits, kind = header[8], header[9]
    palette = kind == 3
    key = _key(dict(found).get(b"tRNS"), kind, bits)
    left = NOT_CARRIED | ({b"tRNS"} if key is None else set()) | ({b"bKGD", b"sBIT"} if palette else set())
    carried = tuple(chunk(name, body) for name, body in found if name not in left)
    with opened(io.BytesIO(data), "PNG") as picture:
        only_still(picture)
        if bits == 16:
            image = _deep(data, kind)
        else:
            picture.load()
            image = image_of(picture, None, colors=1 << bits, close=True)
        shared = _shared(picture, found)
    if kind == 0 and bits in (2, 4):
        image = replace(image, format=PixelFormat.integer("gray", bits))
    if key is not None:
        image = with_key(image, key)
    return Opened.of_one("png", replace(image, baggage=PngBaggage(carried, shared, key)))


def write(file: BinaryIO, images: Iterator[Image], options: SaveOptions) -> None:
    image = next(images)
    form, alpha, baggage = image.format, image.alpha, image.baggage
    samples = to_samples(image.source, form)
    del image
    if isinstance(baggage, PngBaggage):
        if baggage.key is not None and alpha is not None:
            keep_clear_of(baggage.key, samples, alpha)
            alpha = None
        carried = baggage.chunks
    else:
        carried = _foreign(baggage.metadata() if baggage else Metadata())
    if form.bits == 16:
        full = samples if alpha is None else np.concatenate([samples, alpha[:, :, None]], axis=2)
        full = np.ascontiguousarray(full[:, :, 0] if full.shape[2] == 1 else full)
        data = memoryview(imagecodecs.png_encode(full, level=6))
    elif form.mode == "gray" and form.bits in (2, 4):
        data = memoryview(_packed(samples[:, :, 0], form.bits))
    else:
        picture, buffer = picture_of(samples, alpha, form), io.BytesIO()
        if form.mode == "palette":
            picture.save(buffer, "PNG", bits=(form.colors - 1).bit_length())
        else:
            picture.save(buffer, "PNG")
        data = buffer.getbuffer()
    _splice(file, data, carried)


def _bodies(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Of all chunks, but for the pixels'."""
    for name, start, end in chunks(data):
        yield name, data[start + 8 : end - 4] if name != b"IDAT" else b""


def _splice(file: BinaryIO, data: memoryview, carried: tuple[bytes, ...]) -> None:
    """Writes a PNG with more chunks: colour and text ahead of the palette, transparency and background behind it."""
    body = pixels = len(SIGNATURE) + 25
    while bytes(data[pixels + 4 : pixels + 8]) != b"IDAT":
        pixels += 12 + int.from_bytes(data[pixels : pixels + 4], "big")
    file.write(data[:body])
    file.writelines(part for part in carried if part[4:8] not in AFTER_PALETTE)
    file.write(data[body:pixels])
    file.writelines(part for part in carried if part[4:8] in AFTER_PALETTE)
    file.write(data[pixels:])


def _foreign(shared: Metadata) -> tuple[bytes, ...]:
    made = []
    if shared.icc:
        made.append(chunk(PROFILE, b"ICC profile\0\0" + zlib.compress(shared.icc)))
    if shared.exif:
        made.append(chunk(b"eXIf", shared.exif))
    if shared.xmp:
        made.append(chunk(b"iTXt", XMP + b"\0\0\0\0" + shared.xmp))
    if shared.dpi:
        across, down = (min(round(float(dots) / 0.0254), 0x7FFFFFFF) for dots in shared.dpi)
        made.append(chunk(b"pHYs", struct.pack(">IIB", across, down, 1)))
    return tuple(made)


def _deep(data: bytes, kind: int) -> Image:
    samples = imagecodecs.png_decode(data)  # makes alpha of a transparent colour, which is left out below
    samples = samples[:, :, None] if samples.ndim == 2 else samples
    form = PixelFormat.integer("gray" if kind in (0, 4) else "rgb", 16)
    colors = 1 if kind in (0, 4) else 3
    alpha = samples[:, :, -1].copy() if kind in (4, 6) else None
    return Image(stored(samples[:, :, :colors], form), form, alpha)


def _shared(picture: Pillow.Image, found: tuple[tuple[bytes, bytes], ...]) -> Metadata:
    """What other formats understand. Pillow does not see texts and profile, and not always EXIF behind the pixels."""
    xmp, bodies = None, dict(found)
    for name, body in found:
        if name == b"iTXt" and body.startswith(XMP):
            compressed, text = body[len(XMP) : len(XMP) + 1] == b"\1", body[len(XMP) + 2 :].split(b"\0", 2)[-1]
            xmp = inflated(text) if compressed else text
    icc = inflated(bodies[PROFILE].partition(b"\0")[2][1:]) if PROFILE in bodies else None
    exif = bodies.get(b"eXIf", b"").removeprefix(b"Exif\0\0")
    dpi = picture.info.get("dpi")
    return Metadata(icc or None, exif or None, xmp, dpi if dpi and min(dpi) > 0 else None)


def _key(chunk: bytes | None, kind: int, bits: int) -> tuple[int, ...] | None:
    values = {0: 1, 2: 3}.get(kind)
    if chunk is None or values is None or len(chunk) != 2 * values:
        return None
    return tuple(value & ((1 << bits) - 1) for value in struct.unpack(f">{values}H", chunk))


def _packed(gray: Samples, bits: int) -> bytes:
    """A gray PNG of 2 or 4 bits a pixel, which Pillow does not write."""
    height, width = gray.shape
    per_byte = 8 // bits
    padded = np.pad(gray, ((0, 0), (0, -width % per_byte))).reshape(height, -1, per_byte)
    rows = np.zeros(padded.shape[:2], np.uint8)
    for place in range(per_byte):
        rows |= padded[:, :, place] << (8 - bits * (place + 1))
    filtered = np.pad(rows, ((0, 0), (1, 0))).tobytes()  # filter 0, "none", ahead of every row
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    return b"".join(
        [SIGNATURE, chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(filtered, 6)), chunk(b"IEND", b"")]
    )


CODEC = Codec(
    "png",
    (".png",),
    lambda start: start.startswith(SIGNATURE),
    read,
    write,
    modes=frozenset({"gray", "rgb", "palette", "bilevel"}),
    bits=(1, 2, 4, 8, 16),
    alpha=True,
    exif=True,
)
