"""TIFF files keep everything that is not pixels: layout, types, tags, directories, pages."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow
from PIL.TiffImagePlugin import IFDRational

from denoise_cli.batch.picture import Settings, denoise_stream
from denoise_cli.denoisers import classical
from denoise_cli.errors import PictureError
from tests.images.helpers import ICC, XMP, directories, exif, noise, opened, read, saved, through, write

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


TYPES = [np.uint8, np.uint16, np.uint32, np.int8, np.int16, np.int32, np.float16, np.float32, np.float64]


def of_type(dtype: Any, *shape: int) -> np.ndarray:
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return floats(*shape, dtype=dtype)
    # float32, in which pixels are computed, holds 24 bits
    return noise(*shape, dtype=dtype) if kind.itemsize < 4 else noise(*shape, dtype=dtype) // 512 * 512


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


def test_profile_xmp_orientation_resolution_and_private_tags_stay():
    tags = [
        (270, 2, None, "a picture", True), (274, 3, 1, 6, True), (306, 2, None, "2024:02:29 12:30:00", True),
        (700, 1, len(XMP), XMP, True), (34675, 7, len(ICC), ICC, True), (65000, 3, 2, (1, 65535), True),
        (65001, 12, 2, (0.1, -2.5), True), (65002, 5, 1, (1, 3), True), (65003, 10, 1, (-1, 3), True),
        (65004, 7, 5, b"\0\1\2\3\4", True), (65005, 2, None, "text", True), (65006, 9, 1, -5, True),
        (33723, 7, 8, b"IPTCIPTC", True), (65007, 7, 4, b"four", True), (305, 2, None, "some program", True),
    ]  # fmt: skip
    resolution = {"resolution": ((3000, 10), (472, 1)), "resolutionunit": 3}
    data = tiff(noise(7, 13), photometric="minisblack", extratags=tags, software=False, **resolution)
    before, after = tags_of(data), tags_of(through(data))
    for code in [tag[0] for tag in tags] + [282, 283, 296]:
        assert after[code] == before[code], code


@pytest.mark.parametrize("unit", [0, 1, 77])
def test_odd_resolution_units_do_no_harm(unit):
    data = tiff(noise(7, 13), photometric="minisblack", resolution=(3, 4), resolutionunit=1)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        at = file.pages[0].tags[296].valueoffset
    assert tags_of(through(data[:at] + bytes([unit]) + data[at + 1 :]))[296][2] == 1


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_exif_and_gps_directories_stay_with_their_types(order, big):
    # from a JPEG, as it would come from a camera, so that a TIFF with directories exists in the first place
    jpeg = saved(Pillow.fromarray(noise(7, 13, 3)), "JPEG", exif=b"Exif\0\0" + exif(6, order))
    first = write(read(jpeg), "tiff")
    if big:
        images = read(first)
        object.__setattr__(images[0].baggage, "big", True)
        first = write(images, "tiff")
        assert first[2:3] == b"\x2b" or first[3:4] == b"\x2b"
    result = through(first)
    before, after = raw_directories(first), raw_directories(result)
    assert before == after == raw_directories(exif(6, order))
    assert after[34665][0x927C][1:] == (100, bytes(range(100)))
    assert after[34665][0x829A] == (5, 1, struct.pack(order + "II", 1, 125))
    assert after[34853][2][:2] == (5, 3)
    assert tags_of(result)[274][2] == 6
    if not big:
        # without the first, from which Pillow takes the orientation when it turns the picture
        assert directories(opened(result).getexif())[1:] == directories(exif(6, order))[1:]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_what_lies_in_the_exif_directory_stays(order, big):
    """Interoperability, which says that a picture is in Adobe RGB."""
    tags = Pillow.Exif()
    tags.endian = order
    details = tags.get_ifd(0x8769)
    details[0x829A] = IFDRational(1, 125)
    details[0xA005] = {1: "R03", 2: b"0100"}
    jpeg = saved(Pillow.fromarray(noise(7, 13, 3)), "JPEG", exif=tags.tobytes())
    images = read(write(read(jpeg), "tiff"))
    object.__setattr__(images[0].baggage, "big", big)
    result = through(write(images, "tiff"))
    for file in (through(result, "png"), *([] if big else [result])):  # Pillow does not read all BigTIFFs
        found = opened(file).getexif()
        assert found.get_ifd(0x8769)[0x829A] == IFDRational(1, 125)
        assert dict(found.get_ifd(0xA005)) == {1: "R03", 2: b"0100"}


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


def test_descriptions_of_imagej_and_ome_stay_verbatim():
    file = io.BytesIO()
    tifffile.imwrite(file, noise(3, 7, 13, dtype=np.uint16), imagej=True, metadata={"axes": "ZYX", "Info": "cells"})
    with tifffile.TiffFile(io.BytesIO(file.getvalue())) as one:
        stack = [page.asarray() for page in one.pages]
        description, more = one.pages[0].description, one.pages[0].tags[50839].value
    if len(stack) == 3:
        result = through(file.getvalue())
        with tifffile.TiffFile(io.BytesIO(result)) as other:
            assert other.is_imagej
            assert other.pages[0].description == description
            assert other.pages[0].tags[50839].value == more
            np.testing.assert_array_equal(other.asarray(), stack)
    file = io.BytesIO()
    tifffile.imwrite(file, noise(3, 7, 13, dtype=np.uint16), ome=True, metadata={"axes": "ZYX"})
    result = through(file.getvalue())
    file.seek(0)
    with tifffile.TiffFile(file) as one, tifffile.TiffFile(io.BytesIO(result)) as other:
        assert other.is_ome
        assert other.pages[0].description == one.pages[0].description
        np.testing.assert_array_equal(other.asarray(), one.asarray())


def test_colour_compressed_as_jpeg_becomes_rgb_without_loss():
    samples = np.full((16, 32, 3), (200, 50, 90), np.uint8)
    data = tiff(samples, photometric="ycbcr", compression="jpeg")
    result = through(data)
    assert tags_of(result)[262][2] == 2
    np.testing.assert_array_equal(pages_of(result)[0], pages_of(data)[0])
    expected = np.asarray(Pillow.fromarray(samples, "YCbCr").convert("RGB"))
    assert np.abs(pages_of(result)[0].astype(int) - expected).max() < 4


def test_colour_stored_as_luma_and_chroma_otherwise_is_refused():
    data = tiff(noise(7, 13, 3), photometric="ycbcr", compression="lzw")
    with pytest.raises(PictureError, match=r"^has a colour model that is not supported \(YCBCR\)"):
        read(data)


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


def test_all_pages_of_floats_have_the_first_ones_white():
    bright, dark = np.full((7, 13), 200, np.float32), np.full((7, 13), 2, np.float32)
    images = read(tiff(bright, dark, photometric="minisblack"))
    assert [image.format.white for image in images] == [255, 255]


def test_a_file_that_lost_its_last_pages_is_refused_and_not_shortened():
    data = tiff(noise(40, 50), noise(40, 50), noise(40, 50), photometric="minisblack")
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        second = file.pages[1].offset
    with pytest.raises(PictureError, match=r"^is (damaged or )?cut short"):
        read(data[:second])


def test_missing_data_are_not_taken_for_black():
    data = tiff(noise(64, 64), photometric="minisblack", compression="lzw", rowsperstrip=8)
    with pytest.raises(PictureError, match=r"^is (damaged or )?cut short"):
        read(data[: len(data) * 3 // 4])


def test_a_size_that_cannot_be_true_is_refused_before_it_fills_the_memory():
    data = tiff(noise(16, 16), photometric="minisblack", compression="deflate", rowsperstrip=1 << 30)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        at = [file.pages[0].tags[code].valueoffset for code in (256, 257, 278)]
    for place in at:
        data = data[:place] + struct.pack("<H", 60000) + data[place + 2 :]
    with pytest.raises(PictureError, match=r"^is damaged: 60000x60000 pixels cannot be in"):
        read(data)


def test_a_chain_of_pages_that_bites_its_tail_is_refused():
    data = tiff(noise(7, 13), photometric="minisblack")
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        first = file.pages[0].offset
    count = struct.unpack_from("<H", data, first)[0]
    at = first + 2 + 12 * count
    with pytest.raises(PictureError, match=r"^is damaged"):
        read(data[:at] + struct.pack("<I", first) + data[at + 4 :])


@pytest.mark.parametrize(
    ("samples", "layout", "sentence"),
    [
        (noise(7, 13), {"photometric": "cfa"}, "raw data"),
        (noise(7, 13, 3), {"photometric": "cielab"}, "colour model"),
        (np.zeros((7, 13), np.complex64), {"photometric": "minisblack"}, "complex"),
        (noise(7, 13, dtype=np.uint64), {"photometric": "minisblack"}, "64 bits"),
        (noise(16, 16, 16), {"photometric": "minisblack", "volumetric": True, "tile": (16, 16, 16)}, "volume"),
    ],
)
def test_what_is_no_picture_of_gray_or_colour_is_refused(samples, layout, sentence):
    with pytest.raises(PictureError, match=sentence):
        read(tiff(samples, **layout))


def test_raw_files_of_cameras_are_refused_and_not_their_thumbnails_taken():
    dng = tiff(noise(7, 13, 3), photometric="rgb", extratags=[(50706, 1, 4, b"\1\4\0\0", True)])
    with pytest.raises(PictureError, match="raw data"):
        read(dng)
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(noise(7, 13, 3), photometric="rgb", subifds=1, subfiletype=1, metadata=None)
        writer.write(noise(70, 130), photometric="minisblack", metadata=None)
    with pytest.raises(PictureError, match="raw data"):
        read(file.getvalue())


def test_stacks_in_one_piece_are_refused_and_not_their_first_page_taken():
    description = "ImageJ=1.53t\nimages=5\nslices=5\n"
    data = tiff(noise(7, 13), photometric="minisblack", description=description)
    with pytest.raises(PictureError, match=r"^is a stack"):
        read(data)


def test_tifffile_says_nothing_to_users(capfd):
    data = bytearray(tiff(noise(7, 13), photometric="minisblack", description="ImageJ=1.53t\nimages=x\n"))
    read(bytes(data))
    assert capfd.readouterr() == ("", "")
