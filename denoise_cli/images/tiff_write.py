"""The writing half of TIFF."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import tifffile

from denoise_cli.images.codec import SaveOptions
from denoise_cli.images.image import Image, Metadata, Samples, to_samples
from denoise_cli.images.pillow import with_palette
from denoise_cli.images.tiff_tags import (
    ALPHAS,
    PLACEHOLDERS,
    Directories,
    Patch,
    Tag,
    TiffBaggage,
    from_exif,
    paste,
    rational,
)

# Compressions without loss that tifffile writes, and whether a predictor goes with them; all others become deflate.
COMPRESSIONS = {"NONE": False, "LZW": True, "ADOBE_DEFLATE": True, "DEFLATE": True, "PACKBITS": False, "ZSTD": True,
                "LZMA": True}  # fmt: skip
RATIONALS = {5: "I", 10: "i"}
AT_ONCE = 1 << 24  # bytes that are read or compressed in one pass; tifffile's own way is 256 MB
LARGEST_CLASSIC = 3 << 30  # bytes of samples; 4 GB is where offsets end


def write(file: BinaryIO, images: Iterator[Image], options: SaveOptions) -> None:
    first = next(images)
    own = _own(first)
    height, width, channels = first.shape
    size = height * width * (channels + (first.alpha is not None)) * first.format.dtype.itemsize
    big = own.big or options.count * size > LARGEST_CLASSIC  # pages of a stack are mostly alike
    image: Image | None = first
    del first
    patches = []
    with tifffile.TiffWriter(file, bigtiff=big, byteorder="<" if own.order == "<" else ">") as tiff:
        while image is not None:
            own = _own(image)
            samples, layout = _encoded(image, own)
            patches.append(Patch(own.directories, image.format.colors if image.format.mode == "palette" else None))
            image = None  # its memory may be needed for the next
            kind = 16 if big else 4  # LONG8, LONG
            places = ((PLACEHOLDERS[code], kind, 1, 0, False) for code in own.directories.present())
            tiff.write(
                samples,
                software=False,
                metadata=None,
                contiguous=False,
                buffersize=AT_ONCE,
                subfiletype=own.subfile,
                extratags=[*(_with_numbers(tag, own.order) for tag in own.tags), *places],
                **layout,
            )
            del samples
            image = next(images, None)
    paste(file, patches)


def _with_numbers(tag: Tag, order: str) -> tuple[int, int, int, bytes | int | tuple[int, ...], bool]:
    """A tag as tifffile takes it, which miscounts rationals that are given as bytes."""
    code, kind, count, value, once = tag
    if kind in RATIONALS and isinstance(value, bytes):
        return code, kind, count, struct.unpack(f"{order}{2 * count}{RATIONALS[kind]}", value), once
    return tag


def _own(image: Image) -> TiffBaggage:
    """The page's baggage; of a picture that comes from another format, one made of what formats share."""
    if isinstance(image.baggage, TiffBaggage):
        return image.baggage
    shared = image.baggage.metadata() if image.baggage else Metadata()
    order, tags, directories = from_exif(shared.exif) if shared.exif else ("<", (), Directories())
    if shared.icc:
        tags += ((34675, 7, len(shared.icc), shared.icc, False),)
    if shared.xmp:
        tags += ((700, 1, len(shared.xmp), shared.xmp, False),)
    across, down = (rational(dots) for dots in shared.dpi) if shared.dpi else (None, None)
    return TiffBaggage(
        order=order,
        big=False,
        photometric={"rgb": "RGB", "palette": "PALETTE", "cmyk": "SEPARATED"}.get(image.format.mode, "MINISBLACK"),
        compression="ADOBE_DEFLATE",
        predictor=image.format.mode != "palette",
        planar=False,
        tile=None,
        extra=() if image.alpha is None else (2,),
        resolution=(across, down) if across and down else None,
        unit=2,
        subfile=0,
        tags=tags,
        directories=directories,
    )


def _encoded(image: Image, own: TiffBaggage) -> tuple[Samples, dict[str, Any]]:
    """A page's samples, and what tifffile is to be told about them."""
    form, alpha = image.format, image.alpha
    samples = to_samples(image.source, form)
    bits = form.bits
    layout: dict[str, Any] = {"photometric": own.photometric, "tile": own.tile}
    if form.mode == "palette":
        samples, layout["colormap"] = _indexed(samples, form.colors)
        bits = next(bits for bits in (1, 2, 4, 8) if form.colors <= 1 << bits)
    elif alpha is not None:
        place = samples.shape[2] + 1 - len(own.extra) + next(at for at, kind in enumerate(own.extra) if kind in ALPHAS)
        samples = np.concatenate([samples[:, :, :place], alpha[:, :, None], samples[:, :, place:]], axis=2)
    if samples.ndim == 3 and samples.shape[2] == 1:
        samples = samples[:, :, 0]
    compression = own.compression if own.compression in COMPRESSIONS else "ADOBE_DEFLATE"
    if form.mode == "bilevel" and samples.ndim == 2:
        samples = samples.astype(bool)
    elif form.dtype.kind == "u" and bits < 8 * samples.itemsize:
        layout["bitspersample"] = bits
        if own.order == ">" and samples.itemsize > 1:
            samples = samples.byteswap()  # tifffile packs the bits of its big-endian copy as if it were none
        compression = "NONE"  # tifffile compresses whole bytes only, and the depth is to stay
    elif COMPRESSIONS[compression]:
        layout["predictor"] = own.predictor
    if samples.ndim == 3:
        layout["planarconfig"] = "separate" if own.planar else "contig"
        samples = np.moveaxis(samples, 2, 0) if own.planar else samples
        if own.extra:
            layout["extrasamples"] = own.extra
    layout["compression"] = None if compression == "NONE" else compression.lower()
    if own.resolution:
        layout["resolution"] = own.resolution
        layout["resolutionunit"] = own.unit
    return np.ascontiguousarray(samples), layout


def _indexed(samples: Samples, colors: int) -> tuple[Samples, Samples]:
    picture = with_palette(samples, None, colors)
    palette = np.zeros((256, 3), np.uint16)
    entries = np.array(picture.getpalette() or [], np.uint16).reshape(-1, 3)
    palette[: len(entries)] = entries * 257
    return np.asarray(picture), np.ascontiguousarray(palette.T)
