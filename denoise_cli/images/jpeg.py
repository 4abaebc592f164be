"""JPEG: gray, colour and CMYK. EXIF, ICC, XMP, IPTC and comments are carried over byte for byte."""

from __future__ import annotations

import io
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import BinaryIO

from PIL import Image as Pillow
from PIL import ImageFile

from denoise_cli.errors import PictureError
from denoise_cli.images.codec import Codec, Opened, SaveOptions
from denoise_cli.images.image import Image, Metadata, to_samples
from denoise_cli.images.pillow import image_of, opened, picture_of

START_OF_SCAN, END = 0xDA, 0xD9
COMMENT = 0xFE
# Rewritten by the encoder: JFIF's density (APP0) and Adobe's colour transform (APP14).
OF_THE_ENCODER = {0xE0, 0xEE}
# Where the further pictures of a multi-picture file are; the result holds the first only.
MULTI_PICTURE = b"MPF\0"
LARGEST_BODY = 0xFFFF - 2
XMP = b"http://ns.adobe.com/xap/1.0/\0"
MOST_BYTES = 6  # a pixel; noise of quality 100 has 4
_ONE_AT_A_TIME = threading.Lock()  # as what Pillow expects is the same for all threads


@dataclass(frozen=True)
class JpegBaggage:
    """Application and comment segments as they stand in the file; `behind` its end, as cameras put a video there;
    `density` its pixels' size as JFIF has it, if it does.
    """

    segments: tuple[bytes, ...]
    progressive: bool
    behind: bytes = field(repr=False)
    density: bytes | None
    shared: Metadata = field(repr=False)
    format: str = "jpeg"

    def metadata(self) -> Metadata:
        return self.shared


def read(file: BinaryIO) -> Opened:
    data = file.read()
    with opened(io.BytesIO(data), "JPEG") as picture:
        picture.load()
        info = picture.info
        exif = info.get("exif", b"").removeprefix(b"Exif\0\0") or None
        shared = Metadata(info.get("icc_profile"), exif, info.get("xmp"), _sane(info.get("dpi")))
        density = data[13:18] if data[2:4] == b"\xff\xe0" and data[6:11] == b"JFIF\0" else None
        baggage = JpegBaggage(tuple(_segments(data)), bool(info.get("progressive")), _behind(data), density, shared)
        return Opened.of_one("jpeg", image_of(picture, baggage, close=True))


def write(file: BinaryIO, images: Iterator[Image], options: SaveOptions) -> None:
    image = next(images)
    form, baggage = image.format, image.baggage
    samples = to_samples(image.source, form)
    del image
    picture = picture_of(samples, None, form)
    del samples
    shared = baggage.metadata() if baggage else Metadata()
    own = baggage if isinstance(baggage, JpegBaggage) else None
    segments = own.segments if own else tuple(_foreign(shared))
    dpi = (1, 1) if own and own.density else None if own else _sane(shared.dpi)  # 1: its own comes in its place
    progressive = own is not None and own.progressive
    buffer = io.BytesIO()
    with _room_for(picture) if progressive else nullcontext():
        picture.save(
            buffer,
            "JPEG",
            quality=options.quality,
            subsampling=0 if options.quality >= 90 else 2,
            progressive=progressive,
            dpi=(round(dpi[0]), round(dpi[1])) if dpi else (0, 0),
        )
    data = buffer.getbuffer()
    (length,) = struct.unpack_from(">H", data, 4)  # the encoder begins with SOI and, but for CMYK without dpi, APP0
    head = 4 + length if data[3] == 0xE0 else 2
    if own and own.density and head > 2:
        data[13:18] = own.density
    file.write(data[:head])
    file.writelines(segments)
    file.write(data[head:])
    file.write(own.behind if own else b"")


@contextmanager
def _room_for(picture: Pillow.Image) -> Iterator[None]:
    """While a progressive picture is saved: its bytes have to fit into one piece of memory, and Pillow expects fewer
    than noisy ones have.
    """
    with _ONE_AT_A_TIME:
        before = ImageFile.MAXBLOCK
        ImageFile.MAXBLOCK = max(before, MOST_BYTES * picture.width * picture.height)
        try:
            yield
        finally:
            ImageFile.MAXBLOCK = before


def _sane(dpi: tuple[float, float] | None) -> tuple[float, float] | None:
    """The resolution, unless it is one that JPEG has no room for or that is nonsense, such as 1/0."""
    if dpi is None or not all(0.5 < float(dots) <= 0xFFFF for dots in dpi):
        return None
    return float(dpi[0]), float(dpi[1])


def _segments(data: bytes) -> Iterator[bytes]:
    """APP1 to APP15 and comments up to the first scan."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker == START_OF_SCAN:
            return
        if 0xD0 <= marker <= 0xD7 or marker == 0x01:  # these have no length
            at += 2
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        kept = (0xE0 <= marker <= 0xEF and marker not in OF_THE_ENCODER) or marker == COMMENT
        if kept and data[at + 4 : at + 8] != MULTI_PICTURE:
            yield data[at:end]
        at = end


def _behind(data: bytes) -> bytes:
    """What follows the picture, and further pictures, which are left out."""
    end, several = _end(data, 0)
    while several and data.startswith(b"\xff\xd8\xff", next_one := end + _zeros(data, end)):
        end, _ = _end(data, next_one)
    return data[end:]


def _end(data: bytes, start: int) -> tuple[int, bool]:
    """Where the picture that begins there ends, and whether it says that further ones follow."""
    at, several = start + 2, False
    while at + 4 <= len(data):
        marker = data[at + 1]
        if data[at] != 0xFF or marker in (0x00, 0xFF) or 0xD0 <= marker <= 0xD7 or marker == 0x01:
            at = data.find(b"\xff", at + 1)  # on through what a scan holds
            if at < 0:
                break
            continue
        if marker == END:
            return at + 2, several
        several |= data[at + 4 : at + 8] == MULTI_PICTURE
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return len(data), several


def _zeros(data: bytes, at: int) -> int:
    """How many there are from there on, as there may be between pictures."""
    return len(data) - at - len(data[at:].lstrip(b"\0"))


def _foreign(shared: Metadata) -> Iterator[bytes]:
    """Segments of what other formats know too, but for XMP that is larger than segments can be.

    Raises PictureError for EXIF that is larger: without it, the picture might lie on its side.
    """
    if shared.exif:
        body = b"Exif\0\0" + shared.exif
        if len(body) > LARGEST_BODY:
            raise PictureError(f"has {len(body)} bytes of EXIF, of which JPEG holds {LARGEST_BODY}; write PNG or TIFF")
        yield _segment(0xE1, body)
    if shared.xmp and len(XMP + shared.xmp) <= LARGEST_BODY:
        yield _segment(0xE1, XMP + shared.xmp)
    if shared.icc and len(shared.icc) <= 255 * (LARGEST_BODY - 14):
        room = LARGEST_BODY - 14
        parts = [shared.icc[at : at + room] for at in range(0, len(shared.icc), room)]
        for number, part in enumerate(parts, start=1):
            yield _segment(0xE2, b"ICC_PROFILE\0" + bytes([number, len(parts)]) + part)


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


CODEC = Codec(
    "jpeg",
    (".jpg", ".jpeg", ".jpe", ".jfif"),
    lambda start: start.startswith(b"\xff\xd8\xff"),
    read,
    write,
    modes=frozenset({"gray", "rgb", "cmyk"}),
    exif=True,
    side=65500,  # libjpeg's, a little less than the format's
)
