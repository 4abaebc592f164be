"""How large a picture says that it is, before any of it is decoded."""

from __future__ import annotations

from typing import Any, BinaryIO

import tifffile

from denoise_cli.images import pnm
from denoise_cli.images.codec import damaged
from denoise_cli.images.formats import by_content
from denoise_cli.images.pillow import opened


def pixels_in(file: BinaryIO) -> int:
    """Of all pages of a seekable file together; a few bytes may claim any number of them. Further channels than three,
    besides alpha, which only TIFF has, count as pixels of their own, three for one.

    Raises PictureError.
    """
    codec = by_content(file)
    if codec.name == "pnm":
        width, height = pnm.extent(file)
        return width * height
    if codec.name != "tiff":
        with opened(file, codec.name) as picture:
            return picture.width * picture.height
    try:
        with tifffile.TiffFile(file) as tiff:
            return sum(map(_pixels_of, tiff.pages))
    except Exception as error:  # there is hardly a type of exception that damaged files do not make tifffile raise
        raise damaged(error) from error


def _pixels_of(page: Any) -> int:
    channels = int(page.samplesperpixel) - any(kind in (1, 2) for kind in page.extrasamples)
    return int(page.imagewidth) * int(page.imagelength) * max(3, channels) // 3
