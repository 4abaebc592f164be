"""A picture that goes to another format keeps what that format holds; what cannot be spared is refused in words."""

from __future__ import annotations

import io
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

from denoise_cli.errors import PictureError
from denoise_cli.images import formats
from denoise_cli.images.convert import fitting
from tests.images.helpers import ICC, XMP, directories, exif, noise, opened, read, saved, through, write
from tests.images.tiffs import tiff

NAMES = ("png", "jpeg", "tiff", "webp", "bmp", "pnm")
LOSSLESS = ("png", "tiff", "bmp", "pnm")
WITH_ALPHA = ("png", "tiff", "bmp", "pnm")


def pixels_of(data: bytes) -> np.ndarray:
    """Samples as Pillow sees them, a palette or a bilevel picture as colour or gray."""
    picture = opened(data)
    broader = {"P": "RGB", "1": "L"}.get(picture.mode)
    return np.asarray(picture.convert(broader) if broader else picture)


@pytest.mark.parametrize("source", LOSSLESS)
@pytest.mark.parametrize("target", LOSSLESS)
@pytest.mark.parametrize("mode", ["1", "L", "RGB"])
@pytest.mark.parametrize("size", [(13, 7), (1, 1)])
def test_samples_stay_between_formats_without_loss(source, target, mode, size):
    picture = Pillow.fromarray(noise(size[1], size[0], 3)).convert(mode)
    data = saved(picture, {"pnm": "PPM"}.get(source, source.upper()))
    result = through(data, target)
    assert opened(result).mode == mode
    np.testing.assert_array_equal(pixels_of(result), pixels_of(data))


@pytest.mark.parametrize("target", ["png", "tiff", "bmp"])
def test_a_palette_goes_where_palettes_are(target):
    picture = Pillow.fromarray(noise(7, 13, below=16))
    picture.putpalette(noise(16, 3, seed=2).tobytes())
    result = opened(through(saved(picture, "PNG", bits=4), target))
    assert result.mode == "P"
    np.testing.assert_array_equal(result.convert("RGB"), picture.convert("RGB"))


@pytest.mark.parametrize("target", ["pnm", "webp", "jpeg"])
def test_a_palette_becomes_colour_elsewhere(target):
    picture = Pillow.fromarray(np.zeros((7, 13), np.uint8))
    picture.putpalette([200, 100, 50] * 256)
    result = opened(through(saved(picture, "PNG"), target))
    assert result.mode == "RGB"
    assert np.abs(np.asarray(result, int) - [200, 100, 50]).max() < 5


@pytest.mark.parametrize("target", WITH_ALPHA)
@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_goes_along(target, channels):
    samples = noise(7, 13, channels)
    images = read(through(saved(Pillow.fromarray(samples), "PNG"), target))
    np.testing.assert_array_equal(images[0].alpha, samples[:, :, -1])


def test_transparent_palettes_become_colour_with_alpha():
    """Of other formats, only TIFF has palettes and transparency, and not both."""
    picture = Pillow.fromarray(noise(7, 13, below=4))
    picture.putpalette(noise(4, 3, seed=2).tobytes())
    data = saved(picture, "PNG", transparency=bytes([0, 128, 255, 7]))
    for target in ("tiff", "bmp"):
        result = opened(through(data, target))
        assert result.mode == "RGBA"
        np.testing.assert_array_equal(result, opened(data).convert("RGBA"))


@pytest.mark.parametrize("target", ["jpeg"])
def test_alpha_that_is_opaque_throughout_may_go(target):
    samples = noise(16, 16, 4) | np.array([0, 0, 0, 255], np.uint8)
    samples[:] = samples[0, 0]
    result = opened(through(saved(Pillow.fromarray(samples), "PNG"), target))
    assert result.mode == "RGB"
    assert np.abs(np.asarray(result, int) - samples[0, 0, :3]).max() < 5


def test_deep_samples_keep_their_value_in_formats_of_8_bits():
    """16 bits become 8 by 65535 / 255 = 257, not by cutting off a byte."""
    steps = np.repeat(np.arange(0, 256, dtype=np.uint16)[:, None] * 257, 16, axis=1)
    for name in ("bmp", "jpeg"):
        result = np.asarray(opened(through(imagecodecs.png_encode(steps), name)), int)
        assert np.abs(result - steps // 257).max() <= (0 if name == "bmp" else 2)
    near = np.array([[128, 129, 65406, 65407]], np.uint16)  # half a step of 257 is 128.5
    assert np.asarray(opened(through(imagecodecs.png_encode(near), "bmp"))).tolist() == [[0, 1, 254, 255]]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("target", ["png", "tiff", "pnm"])
def test_deep_samples_stay_deep_where_there_is_room(channels, target):
    samples = noise(7, 13, channels, dtype=np.uint16)
    image = read(through(imagecodecs.png_encode(samples.squeeze()), target))[0]
    assert image.format.bits == 16
    full = np.rint(image.pixels * 65535).astype(np.uint16)
    if image.alpha is not None:
        full = np.concatenate([full, image.alpha[:, :, None]], axis=2)
    np.testing.assert_array_equal(full, samples)


def test_twelve_bits_become_sixteen_with_white_where_it_was():
    samples = np.array([[0, 1000, 4095]], np.uint16)
    data = tiff(samples, photometric="minisblack", bitspersample=12)
    np.testing.assert_array_equal(imagecodecs.png_decode(through(data, "png")), [[0, 16004, 65535]])


def test_floats_become_integers_clipped_to_black_and_white():
    samples = np.array([[-0.5, 0, 0.25, 1, 1.5, np.nan, np.inf, -np.inf]], np.float32)
    result = imagecodecs.png_decode(through(tiff(samples, photometric="minisblack"), "png"))
    assert result.dtype == np.uint16
    assert result.tolist() == [[0, 0, 16384, 65535, 65535, 0, 65535, 0]]


def test_premultiplied_colours_are_divided_by_alpha_again():
    alpha = np.array([[255, 128, 0]], np.uint8)
    samples = np.stack([np.array([[200, 64, 0]], np.uint8)] * 3 + [alpha], axis=2)
    data = tiff(samples, photometric="rgb", extrasamples=[1])
    assert np.asarray(opened(through(data, "png")))[0, :, [0, 3]].tolist() == [[200, 128, 0], [255, 128, 0]]


def test_white_is_zero_becomes_white_is_largest():
    samples = noise(7, 13)
    data = tiff(samples, photometric="miniswhite")
    for name in ("png", "bmp", "pnm"):
        np.testing.assert_array_equal(opened(through(data, name)), 255 - samples)


def test_ink_stays_ink_between_jpeg_and_tiff():
    picture = Pillow.new("CMYK", (16, 16), (10, 200, 30, 40))
    jpeg = saved(picture, "JPEG", quality=100)
    into_tiff = through(jpeg, "tiff")
    assert opened(into_tiff).mode == "CMYK"
    np.testing.assert_array_equal(opened(into_tiff), opened(jpeg))
    back = opened(through(into_tiff, "jpeg"))
    assert back.mode == "CMYK"
    assert np.abs(np.asarray(back, int) - np.asarray(picture, int)).max() < 4


REFUSED = {
    "transparency in jpeg": (
        lambda: saved(Pillow.fromarray(noise(7, 13, 4)), "PNG"), "jpeg",
        "has transparency, which JPEG cannot hold; write PNG, TIFF or WebP instead",
    ),
    "gray transparency in jpeg": (
        lambda: imagecodecs.png_encode(noise(7, 13, 2, dtype=np.uint16)), "jpeg",
        "has transparency, which JPEG cannot hold; write PNG, TIFF or WebP instead",
    ),
    "ink in png": (
        lambda: saved(Pillow.new("CMYK", (13, 7)), "JPEG"), "png",
        "is in CMYK, which PNG cannot hold; write TIFF instead",
    ),
    "ink in webp": (
        lambda: saved(Pillow.new("CMYK", (13, 7)), "TIFF"), "webp",
        "is in CMYK, which WEBP cannot hold; write TIFF instead",
    ),
    "five channels in png": (
        lambda: tiff(noise(7, 13, 5), photometric="minisblack", extrasamples=[0] * 4), "png",
        "is a picture of 5 channels, which PNG cannot hold; write TIFF instead",
    ),
    "too wide for webp": (
        lambda: saved(Pillow.new("L", (16384, 1)), "PNG"), "webp",
        "is 16384x1 pixels, of which WEBP holds 16383 a side; write PNG or TIFF",
    ),
    "too wide for jpeg": (
        lambda: saved(Pillow.new("1", (1, 65501)), "PNG"), "jpeg",
        "is 1x65501 pixels, of which JPEG holds 65500 a side; write PNG or TIFF",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_spared_is_refused_in_words(case):
    make, target, sentence = REFUSED[case]
    image = read(make())[0]
    with pytest.raises(PictureError) as caught:
        fitting(image, formats.by_name(target))
    assert str(caught.value) == sentence


def test_a_picture_is_not_touched_where_it_came_from():
    image = read(saved(Pillow.fromarray(noise(7, 13)), "PNG"))[0]
    assert fitting(image, formats.by_name("png")) is image


def full_jpeg(orientation: int = 6) -> bytes:
    return saved(Pillow.fromarray(noise(7, 13, 3)), "JPEG", dpi=(300, 150), icc_profile=ICC, xmp=XMP,
                 exif=b"Exif\0\0" + exif(orientation))  # fmt: skip


def shared(data: bytes) -> Any:
    baggage = read(data)[0].baggage
    assert baggage is not None
    return baggage.metadata()


def assert_kept(data: bytes, dpi: bool = True) -> None:
    found = shared(data)
    assert (found.icc, found.xmp) == (ICC, XMP)
    assert found.exif is not None
    assert directories(found.exif) == directories(exif(6))
    if dpi:
        assert found.dpi == pytest.approx((300, 150), abs=0.1)


@pytest.mark.parametrize("target", ["tiff", "png", "webp"])
def test_a_jpegs_metadata_go_along_and_come_back(target):
    """EXIF with maker note and place, ICC, XMP, and the resolution, which WebP does not have."""
    there = through(full_jpeg(), target)
    assert_kept(there, dpi=target != "webp")
    assert_kept(through(there, "jpeg"), dpi=target != "webp")


def test_other_programs_find_a_jpegs_metadata_in_tiff():
    with tifffile.TiffFile(io.BytesIO(through(full_jpeg(), "tiff"))) as file:
        tags = file.pages[0].tags
        assert (tags[34675].value, tags[700].value, tags[274].value) == (ICC, XMP, 6)
        assert tags[271].value == "Maker"
        assert tags[34665].value["ExposureTime"] == (1, 125)
        assert tags[34853].value["GPSLatitudeRef"] == "N"
    picture = opened(through(full_jpeg(), "tiff"))
    assert picture.info["dpi"] == (300, 150)


@pytest.mark.parametrize("target", ["bmp"])
def test_the_resolution_goes_along(target):
    assert shared(through(full_jpeg(1), target)).dpi == pytest.approx((300, 150), abs=0.1)


def test_broken_exif_costs_nobody_the_picture():
    for body in (b"II*\0\xff\xff\xff\xff", b"II", b"nonsense" * 9, exif(6)[:40]):
        data = saved(Pillow.fromarray(noise(7, 13, 3)), "JPEG", exif=b"Exif\0\0" + body)
        for target in ("tiff", "png", "webp", "bmp"):
            assert opened(through(data, target)).size == (13, 7), (body, target)


def test_only_what_comes_from_bilevel_or_palette_is_so_in_tiff():
    for mode, photometric, bits in (("1", 1, 1), ("L", 1, 8), ("RGB", 2, 8), ("P", 3, 8)):
        data = saved(Pillow.fromarray(noise(7, 13, 3)).convert(mode), "PNG")
        with tifffile.TiffFile(io.BytesIO(write(read(data), "tiff"))) as file:
            assert (file.pages[0].photometric, file.pages[0].bitspersample) == (photometric, bits), mode


def test_colours_are_divided_by_alpha_once_only():
    samples = noise(7, 13, 4)
    samples[:, :, :3] = np.minimum(samples[:, :, :3], samples[:, :, 3:])
    image = read(tiff(samples, photometric="rgb", extrasamples=[1]))[0]
    once = fitting(image, formats.by_name("png"))
    assert image.premultiplied
    assert not once.premultiplied
    np.testing.assert_array_equal(fitting(once, formats.by_name("webp")).pixels, once.pixels)
