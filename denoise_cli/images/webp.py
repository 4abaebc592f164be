"""WebP, lossy and lossless; lossless stays lossless."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from denoise_cli.images.codec import Codec, Opened, SaveOptions
from denoise_cli.images.image import Image, Metadata, to_samples
from denoise_cli.images.pillow import image_of, only_still, opened, picture_of


@dataclass(frozen=True)
class WebpBaggage:
    """Whether the pixels were stored without loss, and the metadata, all of which other formats share."""

    lossless: bool
    shared: Metadata
    format: str = "webp"

    def metadata(self) -> Metadata:
        return self.shared


def read(file: BinaryIO) -> Opened:
    lossless = _lossless(file)
    with opened(file, "WEBP") as picture:
        only_still(picture)
        picture.load()
        info = picture.info
        exif = info.get("exif", b"").removeprefix(b"Exif\0\0") or None
        shared = Metadata(info.get("icc_profile"), exif, info.get("xmp"))
        return Opened.of_one("webp", image_of(picture, WebpBaggage(lossless, shared), close=True))


def write(file: BinaryIO, images: Iterator[Image], options: SaveOptions) -> None:
    image = next(images)
    form, alpha, baggage = image.format, image.alpha, image.baggage
    samples = to_samples(image.source, form)
    del image
    picture = picture_of(samples, alpha, form)
    del samples
    shared = baggage.metadata() if baggage else Metadata()
    lossless = isinstance(baggage, WebpBaggage) and baggage.lossless
    # WebP is always in colour, so that the profile of a picture that was gray no longer fits.
    icc = b"" if shared.icc is None or shared.icc[16:20] == b"GRAY" else shared.icc
    picture.save(
        file,
        "WEBP",
        lossless=lossless,
        quality=75 if lossless else options.quality,  # effort, not quality, when lossless
        exact=True,  # colours under transparent pixels stay
        exif=shared.exif or b"",
        icc_profile=icc,
        xmp=shared.xmp or b"",
    )


def _lossless(file: BinaryIO) -> bool:
    """Whether the first picture chunk is `VP8L`."""
    file.seek(12)
    found = False
    while len(head := file.read(8)) == 8:
        if head[:4] in (b"VP8 ", b"VP8L"):
            found = head[:4] == b"VP8L"
            break
        size = int.from_bytes(head[4:], "little")
        inside = head[:4] == b"ANMF"  # a frame, whose picture is behind its place and size
        file.seek(16 if inside else size + size % 2, 1)
    file.seek(0)
    return found


CODEC = Codec(
    "webp",
    (".webp",),
    lambda start: start[:4] == b"RIFF" and start[8:12] == b"WEBP",
    read,
    write,
    modes=frozenset({"rgb", "gray"}),  # which is written as three equal channels
    alpha=True,
    exif=True,
    side=16383,
)
