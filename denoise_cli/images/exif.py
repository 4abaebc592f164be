"""The few things that must be known about EXIF."""

from __future__ import annotations

import numpy as np
from PIL import ExifTags
from PIL import Image as Pillow

from denoise_cli.images.image import Samples
from denoise_cli.images.pillow import without_warnings

ORIENTATION = int(ExifTags.Base.Orientation)


def orientation(exif: bytes | None) -> int:
    """The orientation that EXIF data (a TIFF structure) states, 1 to 8; 1 where it states none or nonsense."""
    if not exif:
        return 1
    try:
        with without_warnings():
            tags = Pillow.Exif()
            tags.load(b"Exif\0\0" + exif)
            value = tags.get(ORIENTATION, 1)
    except Exception:  # whatever is wrong in there, it says nothing about the orientation
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def upright(samples: Samples, value: int) -> Samples:
    """`[height, width, ...]` turned and mirrored as EXIF orientation `value` (1 to 8) asks for."""
    turned = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: a.swapaxes(0, 1)[:, ::-1],
        7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
        8: lambda a: a.swapaxes(0, 1)[::-1],
    }[value](samples)
    return np.ascontiguousarray(turned)
