"""TIFF: any number of pages, integers of 1 to 32 bits, floats; every tag that is not about encoding is carried over."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import replace
from enum import IntEnum
from typing import BinaryIO

import numpy as np
import tifffile

from denoise_cli.errors import PictureError
from denoise_cli.images.codec import Codec, Opened, damaged
from denoise_cli.images.image import Image, Mode, PixelFormat, Samples, stored, white_of
from denoise_cli.images.scratch import let_go, room
from denoise_cli.images.tiff_tags import (
    ALPHAS,
    PREMULTIPLIED,
    TiffBaggage,
    carried_tags,
    count_pages,
    directories_of,
    rational,
)
from denoise_cli.images.tiff_write import AT_ONCE, write

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # its remarks about odd files are nothing to users

MODES: dict[str, Mode] = {
    "MINISWHITE": "gray", "MINISBLACK": "gray", "RGB": "rgb", "PALETTE": "palette", "SEPARATED": "cmyk",
    "YCBCR": "rgb",
}  # fmt: skip
COLORS = {"gray": 1, "bilevel": 1, "rgb": 3, "palette": 1, "cmyk": 4}
JPEG_COMPRESSIONS = (6, 7)  # tifffile makes RGB of their YCbCr, and of theirs only
DNG_VERSION, SUB_DIRECTORIES, INKS, NO_DATA = 50706, 330, 334, 42113
# How large a picture may be for its data's size, lest a damaged header fill the memory; black skies compress well.
PLAUSIBLE_RATIO, ALWAYS_PLAUSIBLE = 20_000, 1 << 26


def read(file: BinaryIO) -> Opened:
    start = file.read(16)
    file.seek(0)
    try:
        tiff = tifffile.TiffFile(file)
        count, first = len(tiff.pages), tiff.pages[0]
        slices = (tiff.imagej_metadata or {}).get("images") if tiff.is_imagej else None
        in_one_piece = tiff.is_stk or (isinstance(slices, int) and slices > count)
    except Exception as error:  # there is hardly a type of exception that damaged files do not make tifffile raise
        raise damaged(error) from error
    if not isinstance(first, tifffile.TiffPage) or count_pages(file, tiff.byteorder, tiff.is_bigtiff) != count:
        raise PictureError(f"is damaged or cut short: only {count} of its pages can be read")
    raw = DNG_VERSION in first.tags or start[8:10] == b"CR" or (first.is_reduced and SUB_DIRECTORIES in first.tags)
    if raw:
        raise PictureError("is a camera's raw data; develop it first")
    if in_one_piece:
        raise PictureError("is a stack (ImageJ, MetaMorph) in one piece; save it as an ordinary multi-page TIFF first")
    return Opened("tiff", count, _pages(tiff, count))


def _pages(tiff: tifffile.TiffFile, count: int) -> Iterator[Image]:
    whites: dict[str, float] = {}  # by kinds of samples that do not say it: one for all pages of a stack
    for number in range(count):
        page = f"page {number + 1} of {count}" if count > 1 else ""
        try:
            ready = [_page(tiff, number, whites)]
        except PictureError as error:
            raise PictureError(f"{error} ({page})" if page else str(error)) from None
        except Exception as error:
            raise damaged(error, f" at {page}" if page else "") from error
        yield ready.pop()  # nothing is kept here while the picture is worked on


def _page(tiff: tifffile.TiffFile, number: int, whites: dict[str, float]) -> Image:
    page = tiff.pages.get(number, validate=False, aspage=True)
    if not isinstance(page, tifffile.TiffPage):
        raise PictureError("is damaged")
    _check_kind(page)
    _check_extent(page, tiff.filehandle.size)
    samples = page.asarray(out=room(page.shape, np.dtype(page.dtype)), buffersize=AT_ONCE)
    let_go(samples)
    return _image(page, samples, _baggage(tiff, page), whites)


def _check_kind(page: tifffile.TiffPage) -> None:
    """Raises PictureError for what is no picture of gray or colour."""
    name = _name(tifffile.PHOTOMETRIC, page.photometric)
    if name in ("CFA", "LINEAR_RAW"):
        raise PictureError("is a camera's raw data; develop it first")
    if name not in MODES or (name == "YCBCR" and page.compression not in JPEG_COMPRESSIONS):
        raise PictureError(f"has a colour model that is not supported ({name})")
    if page.dtype is None or page.dtype.kind not in "buif" or isinstance(page.bitspersample, tuple):
        raise PictureError("has samples of a kind that is not supported (complex numbers or mixed sizes)")
    if page.dtype.kind in "ui" and page.dtype.itemsize > 4:
        raise PictureError("has integer samples of 64 bits, which are not supported")
    if page.imagedepth > 1:
        raise PictureError("is a volume, which is not supported; save it as a multi-page TIFF first")
    if MODES[name] == "palette" and (page.samplesperpixel > 1 or page.bitspersample > 8):
        raise PictureError("is a palette picture with further channels or of more than 8 bits, which is not supported")
    inks = int(page.tags.valueof(INKS, 4))
    if MODES[name] == "cmyk" and (inks != COLORS["cmyk"] or page.samplesperpixel < inks):
        raise PictureError(f"is printed in {min(inks, page.samplesperpixel)} inks, and only CMYK is supported")


def _check_extent(page: tifffile.TiffPage, size: int) -> None:
    """Raises PictureError where data are missing, for which tifffile would put zeros, or where sizes cannot be true."""
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    if not segments or len(segments) < math.prod(page.chunked):
        raise PictureError("is damaged: it has fewer strips or tiles than its size asks for")
    if max(offset + count for offset, count in segments) > size:
        raise PictureError("is cut short")
    there = sum(page.databytecounts)
    needed = math.prod(page.shape) * int(page.bitspersample) // 8
    plausible = there if page.compression == 1 else max(there * PLAUSIBLE_RATIO, ALWAYS_PLAUSIBLE)
    if needed > plausible:
        raise PictureError(f"is damaged: {page.imagewidth}x{page.imagelength} pixels cannot be in {there} bytes")


def _name(kinds: type[IntEnum], value: int) -> str:
    return kinds(value).name if value in list(kinds) else str(value)


def _baggage(tiff: tifffile.TiffFile, page: tifffile.TiffPage) -> TiffBaggage:
    tags, photometric = page.tags, _name(tifffile.PHOTOMETRIC, page.photometric)
    resolution = None
    if 282 in tags and 283 in tags:
        across, down = rational(tags[282].value), rational(tags[283].value)
        resolution = (across, down) if across and down else None
    unit = tags[296].value if 296 in tags else 2
    tile = (page.tilelength, page.tilewidth) if page.is_tiled else None
    return TiffBaggage(
        order=tiff.byteorder,
        big=tiff.is_bigtiff,
        photometric="RGB" if photometric == "YCBCR" else photometric,
        compression=_name(tifffile.COMPRESSION, page.compression),
        predictor=int(page.predictor) != 1,
        planar=int(page.planarconfig or 1) == 2 and page.samplesperpixel > 1,
        tile=tile if tile and not (tile[0] % 16 or tile[1] % 16) else None,
        extra=tuple(int(kind) if kind in (0, 1, 2) else 0 for kind in page.extrasamples),
        resolution=resolution,
        unit=int(unit) if unit in (1, 2, 3) else 1,
        subfile=int(page.subfiletype) & 0b11,  # not that it is a mask: those are of another colour model
        tags=carried_tags(page),
        directories=directories_of(page),
    )


def _image(page: tifffile.TiffPage, samples: Samples, baggage: TiffBaggage, whites: dict[str, float]) -> Image:
    if baggage.planar:
        samples = np.moveaxis(samples, 0, 2)
    if samples.ndim == 2:
        samples = samples[:, :, None]
    mode, alpha, bits = MODES[baggage.photometric], None, int(page.bitspersample)
    if samples.dtype == bool:
        samples = samples.view(np.uint8)
        mode = "bilevel" if mode == "gray" else mode
    if mode == "palette":
        colormap = page.colormap
        if colormap is None:
            raise PictureError("is damaged: a palette picture without a palette")
        # Some programs write palettes of 8 bits, in violation of the standard.
        colors = (np.moveaxis(colormap, 0, 1) >> (8 if colormap.max() > 255 else 0)).astype(np.uint8)
        form = PixelFormat.integer("palette", 8, colors=1 << min(bits, 8))
        return Image(stored(colors[samples[:, :, 0]], form), form, None, baggage)
    depth = samples.shape[2]
    if depth < COLORS[mode]:
        mode, baggage = "gray", replace(baggage, photometric="MINISBLACK")
    kinds = (*baggage.extra, *[0] * depth)[: depth - COLORS[mode]]  # some files tell fewer or more than there are
    baggage = replace(baggage, extra=kinds)
    inverted = baggage.photometric in ("MINISWHITE", "SEPARATED")
    place = next((place for place, kind in enumerate(kinds) if kind in ALPHAS), None)
    premultiplied = False
    if place is not None:
        premultiplied = kinds[place] == PREMULTIPLIED
        place += COLORS[mode]
        alpha, samples = samples[:, :, place].copy(), _without(samples, place)
    if samples.shape[2] != COLORS[mode]:
        mode = "channels"
    form = PixelFormat(mode, samples.dtype.newbyteorder("="), bits, 1.0, inverted)
    missing = _missing(page)
    kind = form.dtype.kind
    if not form.says_white and kind not in whites:
        whites[kind] = white_of(samples if missing is None else np.where(samples == missing, 0, samples))
    form = replace(form, white=form.largest if form.says_white else whites[kind])
    return Image(stored(samples, form), form, alpha, baggage, premultiplied, missing)


def _missing(page: tifffile.TiffPage) -> float | None:
    """The value that marks missing ones, as maps and their kin have it (GDAL)."""
    try:
        return float(page.tags.valueof(NO_DATA))
    except (TypeError, ValueError):  # there is none, or it is no number
        return None


def _without(samples: Samples, channel: int) -> Samples:
    last = channel == samples.shape[2] - 1
    return samples[:, :, :-1] if last else np.delete(samples, channel, axis=2)


CODEC = Codec(
    "tiff",
    (".tif", ".tiff"),
    lambda start: start[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    read,
    write,
    modes=frozenset({"gray", "rgb", "cmyk", "palette", "bilevel", "channels"}),
    bits=tuple(range(1, 33)),
    floats=True,
    alpha=True,
    exif=True,
    many=True,
)
