"""BMP files keep their mode, depth, palette size, transparency and resolution."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image as Pillow

from tests.images.helpers import noise, opened, read, saved, through, write

SIZES = [(13, 7), (1, 1), (8, 2)]


def bits_of(data: bytes) -> int:
    return struct.unpack_from("<H", data, 28)[0]


def palette_bmp(indices: np.ndarray, bits: int, palette: np.ndarray) -> bytes:
    """A BMP with a palette, put together by hand."""
    height, width = indices.shape
    wide = np.unpackbits(indices.astype(np.uint8)[:, :, None], axis=2)[:, :, 8 - bits :].reshape(height, -1)
    rows = [np.packbits(row).tobytes() for row in wide[::-1]]
    body = b"".join(row.ljust((len(row) + 3) // 4 * 4, b"\0") for row in rows)
    table = np.pad(palette[:, ::-1], ((0, 0), (0, 1))).tobytes()
    start = 54 + len(table)
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 0, len(body), 2835, 2835, len(palette), 0)
    return struct.pack("<2sIII", b"BM", start + len(body), 0, start) + head + table + body


@pytest.mark.parametrize("mode", ["1", "L", "RGB"])
@pytest.mark.parametrize("size", SIZES)
def test_samples_mode_depth_and_resolution_stay(mode, size):
    picture = Pillow.fromarray(noise(size[1], size[0], 3)).convert(mode)
    data = saved(picture, "BMP", dpi=(300, 150))
    result = through(data)
    assert len(result) == len(data)
    assert bits_of(result) == bits_of(data)
    assert opened(result).mode == mode
    np.testing.assert_array_equal(opened(result), picture)
    assert opened(result).info["dpi"] == pytest.approx((300, 150), abs=0.05)


@pytest.mark.parametrize("bits", [1, 4, 8])
@pytest.mark.parametrize("size", SIZES)
def test_palette_pictures_keep_depth_and_colours(bits, size):
    palette = noise(1 << bits, 3, seed=2)
    data = palette_bmp(noise(size[1], size[0], below=1 << bits), bits, palette)
    assert opened(data).mode == "P"
    result = through(data)
    assert (opened(result).mode, bits_of(result)) == ("P", bits)
    np.testing.assert_array_equal(opened(result).convert("RGB"), opened(data).convert("RGB"))


@pytest.mark.parametrize("size", SIZES)
def test_alpha_stays(size):
    samples = noise(size[1], size[0], 4)
    data = write(read(saved(Pillow.fromarray(samples), "PNG")), "bmp")
    assert opened(data).mode == "RGBA"
    np.testing.assert_array_equal(opened(data), samples)
    np.testing.assert_array_equal(opened(through(data)), samples)


def test_gray_with_alpha_becomes_colour_with_alpha():
    samples = noise(7, 13, 2)
    data = write(read(saved(Pillow.fromarray(samples), "PNG")), "bmp")
    np.testing.assert_array_equal(opened(data), samples[:, :, [0, 0, 0, 1]])


def test_os2_files_are_read():
    samples = noise(2, 4, 3)
    rows = b"".join(row[:, ::-1].tobytes() for row in samples[::-1])
    data = struct.pack("<2sIIIIHHHH", b"BM", 26 + len(rows), 0, 26, 12, 4, 2, 1, 24) + rows
    np.testing.assert_array_equal(opened(through(data)), samples)
