"""EXIF's orientation is found whatever surrounds it, and pictures are turned as it says."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow
from PIL import ImageOps

from denoise_cli.images.exif import orientation, upright
from tests.images.helpers import exif, noise, opened, read, saved, through, write


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("order", ["<", ">"])
def test_orientations_are_found(value, order):
    assert orientation(exif(value, order)) == value


@pytest.mark.parametrize("data", [None, b"", b"II*\0", b"nonsense", exif(None), exif(0), exif(9), exif(6)[:20]])
def test_no_orientation_and_nonsense_are_upright(data):
    assert orientation(data) == 1


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("channels", [0, 1, 3])
def test_pictures_are_turned_as_pillow_turns_them(value, channels):
    samples = noise(7, 13, *([channels] if channels else []))
    plain = samples[:, :, 0] if channels == 1 else samples
    tags = Pillow.Exif()
    tags[0x0112] = value
    turned = ImageOps.exif_transpose(opened(saved(Pillow.fromarray(plain), "PNG", exif=tags)))
    np.testing.assert_array_equal(upright(samples, value).reshape(np.asarray(turned).shape), turned)


def stored(data: bytes) -> tuple[np.ndarray, int]:
    """Pixels as they are in the file, and their orientation. Pillow turns TIFFs, so that tifffile reads them."""
    if data[:2] in (b"II", b"MM"):
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            return file.pages[0].asarray(), int(file.pages[0].tags[274].value)
    picture = opened(data)
    return np.asarray(picture), picture.getexif()[0x0112]


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("name", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_within_a_format_neither_pixels_nor_tag_are_turned(value, name):
    picture = Pillow.fromarray(noise(7, 13, 3) if name != "JPEG" else np.full((7, 13, 3), 80, np.uint8))
    tags = Pillow.Exif()
    tags[0x0112] = value
    more = {"lossless": True} if name == "WEBP" else {}
    pixels, orientation_kept = stored(through(saved(picture, name, exif=tags, **more)))
    np.testing.assert_array_equal(pixels, picture)
    assert orientation_kept == value


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("target", ["png", "tiff", "webp", "jpeg"])
def test_among_formats_with_exif_the_tag_is_carried_and_pixels_are_not_turned(value, target):
    samples = noise(7, 13, 3)
    tags = Pillow.Exif()
    tags[0x0112] = value
    data = saved(Pillow.fromarray(samples), "TIFF" if target == "png" else "PNG", exif=tags)
    pixels, orientation_kept = stored(write(read(data), target))
    assert (pixels.shape, orientation_kept) == (samples.shape, value)
    if target in ("png", "tiff"):
        np.testing.assert_array_equal(pixels, samples)


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("target", ["bmp", "pnm"])
@pytest.mark.parametrize("channels", [3, 4])
def test_formats_without_exif_get_upright_pixels(value, target, channels):
    tags = Pillow.Exif()
    tags[0x0112] = value
    data = saved(Pillow.fromarray(noise(7, 13, channels)), "PNG", exif=tags)
    result = write(read(data), target)
    expected = np.asarray(ImageOps.exif_transpose(opened(data)))
    again = read(result)[0]
    found = np.rint(again.pixels * 255)
    if again.alpha is not None:
        found = np.concatenate([found, again.alpha[:, :, None]], axis=2)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(through(result), result)
