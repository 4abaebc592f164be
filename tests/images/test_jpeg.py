"""JPEG files keep their mode and every segment that is about the picture."""

from __future__ import annotations

import io
import struct
from dataclasses import replace

import imagecodecs
import numpy as np
import pytest
from PIL import Image as Pillow
from scipy.ndimage import gaussian_filter

from denoise_cli.errors import PictureError
from denoise_cli.images.codec import SaveOptions
from denoise_cli.images.jpeg import CODEC
from tests.images.helpers import ICC, XMP, directories, exif, noise, opened, read, saved, through, write


def smooth(height: int, width: int, channels: int) -> np.ndarray:
    """A picture that JPEG stores nearly exactly."""
    raw = np.random.default_rng(5).random((height, width, channels))
    return (gaussian_filter(raw, (4, 4, 0)) * 1000 - 350).clip(5, 250).astype(np.uint8)


def segments(data: bytes) -> list[bytes]:
    at, found = 2, []
    while data[at + 1] != 0xDA:
        (length,) = struct.unpack_from(">H", data, at + 2)
        found.append(data[at : at + 2 + length])
        at += 2 + length
    return found


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("size", [(37, 21), (1, 1)])
def test_mode_and_progression_stay_and_pixels_nearly(mode, progressive, size):
    channels = {"L": 1, "RGB": 3, "CMYK": 4}[mode]
    picture = Pillow.fromarray(smooth(size[1], size[0], channels).squeeze(2 if channels == 1 else ()), mode)
    data = saved(picture, "JPEG", quality=95, subsampling=0, progressive=progressive)
    result = opened(through(data))
    assert (result.mode, result.size) == (mode, size)
    assert bool(result.info.get("progressive")) == progressive
    error = np.abs(np.asarray(result, float) - np.asarray(opened(data), float))
    assert error.mean() < 1.5


def test_ink_is_dark():
    """CMYK, which Adobe stores inverted, comes out of the program as it went in, and 1.0 is paper."""
    picture = Pillow.new("CMYK", (16, 16), (0, 0, 0, 0))
    data = saved(picture, "JPEG")
    assert read(data)[0].pixels.min() > 0.99
    assert opened(through(data)).convert("RGB").getpixel((3, 3)) == (255, 255, 255)


def test_quality_is_the_users():
    data = saved(Pillow.fromarray(noise(64, 64, 3)), "JPEG", quality=95)
    images = read(data)
    assert len(write(images, "jpeg", quality=30)) < len(write(images, "jpeg", quality=95)) / 2


def test_all_segments_about_the_picture_stay_byte_for_byte():
    parts = [
        segment(0xE1, b"Exif\0\0" + exif(6, ">")),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP),
        segment(0xE2, b"ICC_PROFILE\0\1\2" + ICC[:400]),
        segment(0xE2, b"ICC_PROFILE\0\2\2" + ICC[400:]),
        segment(0xED, b"Photoshop 3.0\0" + b"8BIM\4\4\0\0\0\0\0\7" + b"\x1c\2\5\0\2Hi" + b"\0"),
        segment(0xEB, b"JP something"),
        segment(0xFE, b"A comment"),
    ]
    plain = saved(Pillow.fromarray(noise(7, 13, 3)), "JPEG", dpi=(300, 150))
    data = plain[:20] + b"".join(parts) + plain[20:]
    result = through(data)
    found = segments(result)
    assert [part for part in found if part in parts] == parts
    assert len([part for part in found if part[1] == 0xE0]) == 1
    assert opened(result).info["dpi"] == (300, 150)
    assert opened(result).getexif()[0x0112] == 6
    shared = read(data)[0].baggage.metadata()
    assert (shared.icc, shared.exif, shared.xmp, shared.dpi) == (ICC, exif(6, ">"), XMP, (300, 150))


def test_the_makers_note_stays():
    data = saved(Pillow.fromarray(noise(7, 13, 3)), "JPEG", exif=b"Exif\0\0" + exif(1))
    assert directories(opened(through(data)).getexif()) == directories(exif(1))
    assert directories(exif(1))[1][0x927C] == bytes(range(100))


def test_a_profile_of_several_segments_is_whole():
    profile = ICC + noise(150_000).tobytes()
    data = saved(Pillow.fromarray(noise(7, 13, 3)), "JPEG", icc_profile=profile)
    assert opened(through(data)).info["icc_profile"] == profile
    into_jpeg = write(read(saved(Pillow.fromarray(noise(7, 13, 3)), "PNG", icc_profile=profile)), "jpeg")
    assert opened(into_jpeg).info["icc_profile"] == profile


@pytest.mark.filterwarnings("ignore:Metadata Warning")  # of Pillow, as it writes this
@pytest.mark.parametrize("resolution", [(0, 0), (0, 1), (1, 0)])
def test_nonsense_resolutions_in_exif_do_no_harm(resolution):
    tags = Pillow.Exif()
    tags[0x0128] = 2
    tags[0x011A] = tags[0x011B] = resolution
    data = saved(Pillow.fromarray(noise(7, 13, 3)), "JPEG", exif=tags)
    data = data[:2] + data[20:]  # without JFIF, so that EXIF is asked
    assert opened(through(data)).size == (13, 7)


def test_of_a_multi_picture_file_the_first_picture_stays_alone():
    pictures = [Pillow.fromarray(smooth(20, 30, 3)), Pillow.fromarray(smooth(10, 15, 3))]
    data = saved(pictures[0], "MPO", save_all=True, append_images=pictures[1:], exif=b"Exif\0\0" + exif(8))
    assert Pillow.open(io.BytesIO(data)).format == "MPO"
    result = through(data)
    again = Pillow.open(io.BytesIO(result))
    assert (again.format, again.size, again.getexif()[0x0112]) == ("JPEG", (30, 20), 8)
    assert b"MPF\0" not in result
    error = np.abs(np.asarray(again, float) - np.asarray(opened(data), float))
    assert error.mean() < 1.5


def test_exif_that_jpeg_has_no_room_for_is_said_and_not_lost():
    tags = Pillow.Exif()
    tags[0x010F] = "Maker"
    tags.get_ifd(0x8769)[0x927C] = bytes(70_000)
    data = saved(Pillow.fromarray(noise(7, 13, 3)), "PNG", exif=tags)
    with pytest.raises(PictureError, match="bytes of EXIF"):
        write(read(data), "jpeg")


def test_the_largest_side_is_what_libjpeg_takes():
    wide = Pillow.fromarray(np.zeros((1, CODEC.side or 0), np.uint8))
    assert imagecodecs.jpeg_decode(saved(wide, "JPEG")).shape == (1, CODEC.side)
    with pytest.raises(OSError, match="stream"):
        saved(Pillow.fromarray(np.zeros((1, (CODEC.side or 0) + 1), np.uint8)), "JPEG")


def test_what_hangs_on_a_picture_stays_but_further_pictures():
    video = b"\0\0\0\x18ftypmp42" + bytes(range(256))
    for progressive in (False, True):
        data = saved(Pillow.fromarray(noise(40, 60, 3)), "JPEG", progressive=progressive, restart_marker_rows=1)
        assert through(data + video).endswith(b"\xff\xd9" + video)
        assert through(data).endswith(b"\xff\xd9")
    several = io.BytesIO()
    first = Pillow.fromarray(noise(40, 60, 3))
    first.save(several, "MPO", save_all=True, append_images=[first])
    assert through(several.getvalue()).count(b"\xff\xd9") == 1


@pytest.mark.parametrize("density", [b"\0\0\2\0\1", b"\2\0\x76\0\x76", b"\1\1\x2c\1\x2c"])
def test_the_size_and_shape_of_pixels_stay(density):
    data = bytearray(saved(Pillow.fromarray(noise(40, 60, 3)), "JPEG"))
    data[13:18] = density
    assert through(bytes(data))[13:18] == density


@pytest.mark.parametrize("quality", [90, 94, 100])
def test_noisy_pictures_stay_progressive(quality):
    """Of more bytes than Pillow expects of a progressive picture."""
    data = saved(Pillow.fromarray(noise(500, 500, 3)), "JPEG", quality=30, progressive=True)
    image = replace(read(data)[0], source=noise(500, 500, 3).astype(np.float32) / 255)
    buffer = io.BytesIO()
    CODEC.write(buffer, iter([image]), SaveOptions(quality))
    assert len(buffer.getvalue()) > 2 * 500 * 500 or quality < 95
    assert opened(buffer.getvalue()).info["progressive"]


def test_ink_keeps_the_size_of_its_pixels():
    data = saved(Pillow.new("CMYK", (16, 16), (0, 99, 0, 0)), "JPEG", dpi=(300, 150))
    assert opened(through(data)).info["dpi"] == opened(data).info["dpi"] == (300, 150)


def test_a_video_behind_further_pictures_stays():
    several, video = io.BytesIO(), b"\0\0\0\x18ftypmp42" + bytes(range(256))
    first = Pillow.fromarray(noise(40, 60, 3))
    first.save(several, "MPO", save_all=True, append_images=[first, first])
    result = through(several.getvalue() + video)
    assert result.endswith(b"\xff\xd9" + video)
    assert result.count(b"\xff\xd8\xff") == 1
