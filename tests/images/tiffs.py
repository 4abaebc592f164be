"""TIFF files of all kinds, and what is in them."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import tifffile

from tests.images.helpers import noise

COLOR_TAGS = (256, 257, 258, 262, 277, 284, 338, 339)  # size, bits, colour model, channels, layout, alpha, type


def tiff(*pages: np.ndarray, options: dict[str, Any] | None = None, **layout: Any) -> bytes:
    file = io.BytesIO()
    with tifffile.TiffWriter(file, **(options or {})) as writer:
        for page in pages:
            writer.write(page, metadata=None, contiguous=False, **layout)
    return file.getvalue()


def pages_of(data: bytes) -> list[np.ndarray]:
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        return [page.asarray() for page in file.pages]


def tags_of(data: bytes, page: int = 0) -> dict[int, tuple[Any, ...]]:
    """Type, count and value of each tag of a page."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        return {tag.code: (int(tag.dtype), tag.count, tag.value) for tag in file.pages[page].tags}


def assert_same(data: bytes, result: bytes) -> None:
    """The same samples, and the same tags about colour and type."""
    before, after = pages_of(data), pages_of(result)
    assert len(before) == len(after)
    for number, (one, other) in enumerate(zip(before, after, strict=True)):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
        tags, kept = tags_of(data, number), tags_of(result, number)
        assert {code: kept.get(code) for code in COLOR_TAGS} == {code: tags.get(code) for code in COLOR_TAGS}


def floats(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    """Values from -0.5 to 1.5 that float16 holds."""
    return np.random.default_rng(3).uniform(-0.5, 1.5, shape).astype(np.float16).astype(dtype)


def of_type(dtype: Any, *shape: int) -> np.ndarray:
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return floats(*shape, dtype=dtype)
    # float32, in which pixels are computed, holds 24 bits
    return noise(*shape, dtype=dtype) if kind.itemsize < 4 else noise(*shape, dtype=dtype) // 512 * 512


COLORS = {
    "rgb": (3, {"photometric": "rgb"}),
    "rgba": (4, {"photometric": "rgb", "extrasamples": [2]}),
    "premultiplied": (4, {"photometric": "rgb", "extrasamples": [1]}),
    "unspecified": (4, {"photometric": "rgb", "extrasamples": [0]}),
    "gray_alpha": (2, {"photometric": "minisblack", "extrasamples": [2]}),
    "cmyk": (4, {"photometric": "separated"}),
    "cmyk_alpha": (5, {"photometric": "separated", "extrasamples": [2]}),
    "two": (2, {"photometric": "minisblack", "extrasamples": [0]}),
    "five": (5, {"photometric": "minisblack", "extrasamples": [0, 0, 0, 0]}),
    "multispectral": (6, {"photometric": "rgb", "extrasamples": [0, 0, 0]}),
}


def raw_directories(data: bytes) -> dict[int, dict[int, tuple[int, int, bytes]]]:
    """Type, count and bytes of all entries of the EXIF and GPS directories, read by tifffile."""
    found: dict[int, dict[int, tuple[int, int, bytes]]] = {}
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        handle, order, big = file.filehandle, file.byteorder, file.is_bigtiff
        for code in (34665, 34853):
            with tifffile.TiffFile(io.BytesIO(data)) as again:
                tag = again.pages[0].tags[code]
                handle.seek(tag.offset + (12 if big else 8))
                (offset,) = struct.unpack(order + ("Q" if big else "I"), handle.read(8 if big else 4))
            handle.seek(offset)
            (count,) = struct.unpack(order + ("Q" if big else "H"), handle.read(8 if big else 2))
            found[code] = {}
            for number in range(count):
                size, inline = (20, 8) if big else (12, 4)
                entry = offset + (8 if big else 2) + number * size
                handle.seek(entry)
                name, kind, values = struct.unpack(order + ("HHQ" if big else "HHI"), handle.read(size - inline))
                length = values * {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1}[kind]
                if length > inline:
                    handle.seek(struct.unpack(order + ("Q" if big else "I"), handle.read(inline))[0])
                found[code][name] = (kind, values, handle.read(length))
    return found
