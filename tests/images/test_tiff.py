"""TIFF files keep everything that is not pixels: layout, types, pages."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

from denoise_cli.batch.picture import Settings, denoise_stream
from denoise_cli.denoisers import classical
from denoise_cli.errors import PictureError
from tests.images.helpers import noise, opened, read, saved, through, write
from tests.images.tiffs import COLORS, assert_same, floats, of_type, pages_of, tags_of, tiff

TYPES = [np.uint8, np.uint16, np.uint32, np.int8, np.int16, np.int32, np.float16, np.float32, np.float64]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"photometric": "miniswhite"},
        {"compression": "lzw", "predictor": True},
        {"compression": "adobe_deflate", "tile": (16, 16), "predictor": True},
        {"compression": "zstd"},
    ],
)
@pytest.mark.parametrize("shape", [(7, 13), (1, 1)])
def test_gray_of_every_type_stays(dtype, layout, shape):
    if np.dtype(dtype).kind in "if" and layout.get("photometric") == "miniswhite":
        pytest.skip("white is zero: for unsigned integers only")
    data = tiff(of_type(dtype, *shape), **{"photometric": "minisblack", **layout})
    result = through(data)
    if dtype in (np.uint32, np.int32):
        before, after = pages_of(data)[0].astype(float), pages_of(result)[0].astype(float)
        np.testing.assert_allclose(after, before, atol=1024)
        assert pages_of(result)[0].dtype == dtype
    else:
        assert_same(data, result)


@pytest.mark.parametrize("name", COLORS)
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("more", [{}, {"tile": (32, 16), "compression": "deflate", "predictor": True}])
def test_colour_models_channels_and_layout_stay(name, planar, dtype, more):
    channels, layout = COLORS[name]
    samples = of_type(dtype, 7, 13, channels)
    data = tiff(
        np.moveaxis(samples, 2, 0) if planar else samples, planarconfig="separate" if planar else "contig",
        **layout, **more,
    )  # fmt: skip
    image = read(data)[0]
    assert (image.alpha is not None) == (name in ("rgba", "premultiplied", "gray_alpha", "cmyk_alpha"))
    assert image.premultiplied == (name == "premultiplied")
    result = through(data)
    if name.startswith("cmyk") and dtype == np.float32:  # subtracted from 1 and back
        np.testing.assert_allclose(pages_of(result)[0], pages_of(data)[0], atol=1e-6)
    else:
        assert_same(data, result)
    assert (322 in tags_of(result)) == bool(more)


@pytest.mark.parametrize("compression", ["none", "lzw", "adobe_deflate", "packbits", "zstd", "lzma"])
def test_the_compression_stays(compression):
    data = tiff(noise(7, 13, 3), photometric="rgb", compression=compression)
    result = through(data)
    assert tags_of(result)[259] == tags_of(data)[259]
    assert_same(data, result)


@pytest.mark.parametrize("predictor", [False, True])
def test_the_predictor_stays(predictor):
    data = tiff(noise(7, 13, 3), photometric="rgb", compression="lzw", predictor=predictor)
    assert tags_of(through(data)).get(317) == tags_of(data).get(317)


@pytest.mark.parametrize("photometric", ["miniswhite", "minisblack"])
@pytest.mark.parametrize("more", [{}, {"compression": "lzw"}, {"tile": (16, 16)}])
def test_bilevel_stays(photometric, more):
    bits = noise(7, 13, below=2).astype(bool)
    data = tiff(bits, photometric=photometric, **more)
    assert_same(data, through(data))
    image = read(data)[0]
    assert image.format.mode == "bilevel"
    np.testing.assert_array_equal(image.pixels[:, :, 0] == 1, bits != (photometric == "miniswhite"))


def test_fax_becomes_deflate_of_the_same_bits():
    picture = Pillow.fromarray(noise(40, 50, below=2).astype(bool))
    result = through(saved(picture, "TIFF", compression="group4"))
    assert opened(result).mode == "1"
    np.testing.assert_array_equal(opened(result), picture)


@pytest.mark.parametrize(("bits", "dtype"), [(2, np.uint8), (4, np.uint8), (12, np.uint16), (10, np.uint16)])
@pytest.mark.parametrize("channels", [1, 3])
def test_packed_samples_keep_their_depth(bits, dtype, channels):
    samples = noise(7, 13, channels, dtype=dtype, below=1 << bits).squeeze()
    data = tiff(samples, photometric="rgb" if channels == 3 else "minisblack", bitspersample=bits)
    assert_same(data, through(data))
    assert read(data)[0].format.white == (1 << bits) - 1


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_palette_pictures_keep_their_colours_and_depth(bits):
    picture = Pillow.fromarray(noise(7, 13, below=1 << bits))
    picture.putpalette(noise(1 << bits, 3, seed=2).tobytes())
    data = saved(picture, "TIFF")
    if bits < 8:
        packed = tiff(np.asarray(picture), photometric="palette", bitspersample=bits, colormap=np.zeros((3, 256), "u2"))
        with tifffile.TiffFile(io.BytesIO(packed)) as file:
            tag = file.pages[0].tags[320]
        colormap = (noise(1 << bits, 3, seed=2).astype(np.uint16).T * 257).astype("<u2").tobytes()
        data = bytearray(packed)
        data[tag.offset + 4 : tag.offset + 8] = struct.pack("<I", 3 << bits)
        data[tag.valueoffset : tag.valueoffset + (6 << bits)] = colormap
        data = bytes(data)
    np.testing.assert_array_equal(opened(data).convert("RGB"), picture.convert("RGB"))
    result = through(data)
    assert opened(result).mode == "P"
    assert (tags_of(result)[258], tags_of(result)[320][1]) == (tags_of(data)[258], 3 << bits)
    np.testing.assert_array_equal(opened(result).convert("RGB"), picture.convert("RGB"))


def test_pages_of_different_sizes_and_types_stay():
    pages = [noise(7, 13), noise(1, 1, dtype=np.uint16), floats(5, 4), noise(3, 20, 3), noise(9, 9, dtype=np.int16)]
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for number, page in enumerate(pages):
            writer.write(page, photometric="rgb" if page.ndim == 3 else "minisblack", metadata=None,
                         description=f"page {number}", subfiletype=2,
                         compression="lzw" if number % 2 else None)  # fmt: skip
    data = file.getvalue()
    result = through(data)
    assert_same(data, result)
    for number in range(len(pages)):
        assert [tags_of(result, number)[code][2] for code in (254, 270)] == [2, f"page {number}"]


@pytest.mark.parametrize("options", [{"byteorder": ">"}, {"bigtiff": True}, {"bigtiff": True, "byteorder": ">"}])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_byte_order_and_bigtiff_stay(options, dtype):
    private = (65000, 3, 3, (1, 2, 3), False)
    data = tiff(of_type(dtype, 7, 13), options=options, photometric="minisblack", extratags=[private])
    result = through(data)
    assert result[:4] == data[:4]
    assert tags_of(result)[65000] == (3, 3, (1, 2, 3))
    assert_same(data, result)


def test_a_stack_gets_room_for_all_of_its_pages(monkeypatch):
    source = io.BytesIO(tiff(*[noise(20, 30)] * 3, photometric="minisblack"))
    for limit, mark in ((1500, b"II+\0"), (2000, b"II*\0")):
        monkeypatch.setattr("denoise_cli.images.tiff_write.LARGEST_CLASSIC", limit)
        result = io.BytesIO()
        source.seek(0)
        denoise_stream(source, result, None, Settings(classical.build("median")))
        assert result.getvalue()[:4] == mark


def test_colour_compressed_as_jpeg_becomes_rgb_without_loss():
    samples = np.full((16, 32, 3), (200, 50, 90), np.uint8)
    data = tiff(samples, photometric="ycbcr", compression="jpeg")
    result = through(data)
    assert tags_of(result)[262][2] == 2
    np.testing.assert_array_equal(pages_of(result)[0], pages_of(data)[0])
    expected = np.asarray(Pillow.fromarray(samples, "YCbCr").convert("RGB"))
    assert np.abs(pages_of(result)[0].astype(int) - expected).max() < 4


def test_a_dark_picture_of_16_bits_stays_one():
    data = tiff(noise(7, 13, dtype=np.uint16, below=256), photometric="minisblack")
    assert read(data)[0].pixels.max() < 0.004
    assert_same(data, through(data))


@pytest.mark.parametrize("white", [None, 100.0, 4095.0])
def test_samples_above_white_are_kept(white):
    data = tiff(noise(7, 13, dtype=np.uint16), photometric="minisblack")
    images = read(data, white)
    assert images[0].pixels.max() == pytest.approx(pages_of(data)[0].max() / (white or 65535))
    assert_same(data, write(images, "tiff"))


def test_floats_that_are_no_numbers_or_endless_come_back():
    samples = floats(7, 13)
    samples[1, 2:5] = np.nan, np.inf, -np.inf
    data = tiff(samples, photometric="minisblack")
    assert_same(data, through(data))


@pytest.mark.parametrize("dtype", [np.float32, np.uint32])
def test_all_pages_have_the_first_ones_white(dtype):
    bright, other = np.full((7, 13), 200, dtype), np.full((7, 13), 2000, dtype)
    images = read(tiff(bright, other, photometric="minisblack"))
    assert [image.format.white for image in images] == [255, 255]


def test_pages_of_another_kind_have_a_white_of_their_own():
    integers, floats = np.full((7, 13), 200, np.uint32), np.full((7, 13), 0.5, np.float32)
    assert [image.format.white for image in read(tiff(integers, floats, photometric="minisblack"))] == [255, 1]


def test_missing_data_are_not_taken_for_black():
    data = tiff(noise(64, 64), photometric="minisblack", compression="lzw", rowsperstrip=8)
    with pytest.raises(PictureError, match=r"^is (damaged or )?cut short"):
        read(data[: len(data) * 3 // 4])
