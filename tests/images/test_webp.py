"""WebP files stay lossless or lossy, and keep their transparency and metadata."""

from __future__ import annotations

import struct

import imagecodecs
import numpy as np
import pytest
from PIL import Image as Pillow

from denoise_cli.errors import PictureError
from denoise_cli.images.convert import fitting
from denoise_cli.images.webp import CODEC
from tests.images.helpers import ICC, XMP, exif, noise, opened, read, saved, through, write


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("size", [(13, 7), (1, 1)])
@pytest.mark.parametrize("metadata", [False, True])
def test_lossless_stays_lossless_and_exact(channels, size, metadata):
    """So do colours under full transparency."""
    samples = noise(size[1], size[0], channels)
    samples[:4, :, 3:] = 0
    samples[4:, :, 3:] |= 1
    more = {"exif": b"Exif\0\0" + exif(6), "icc_profile": ICC, "xmp": XMP} if metadata else {}
    data = saved(Pillow.fromarray(samples), "WEBP", lossless=True, exact=True, **more)
    result = through(data)
    assert b"VP8L" in result
    np.testing.assert_array_equal(imagecodecs.webp_decode(result), samples)


@pytest.mark.parametrize("channels", [3, 4])
def test_lossy_stays_lossy_and_keeps_alpha(channels):
    samples = np.full((21, 37, channels), 90, np.uint8)
    samples[:, :, 3:] = noise(21, 37, channels - 3)
    data = saved(Pillow.fromarray(samples), "WEBP", quality=80, exact=True)
    result = through(data)
    assert b"VP8L" not in result
    assert opened(result).mode == ("RGBA" if channels == 4 else "RGB")
    decoded = np.asarray(opened(result))
    assert np.abs(decoded[:, :, :3].astype(int) - 90).max() < 8
    np.testing.assert_array_equal(decoded[:, :, 3:], samples[:, :, 3:])


@pytest.mark.parametrize("lossless", [False, True])
def test_metadata_stay(lossless):
    data = saved(Pillow.fromarray(noise(7, 13, 3)), "WEBP", lossless=lossless, exif=exif(6), icc_profile=ICC, xmp=XMP)
    info = opened(through(data)).info
    assert (info["exif"].removeprefix(b"Exif\0\0"), info["icc_profile"], info["xmp"]) == (exif(6), ICC, XMP)
    shared = read(data)[0].baggage.metadata()
    assert (shared.exif, shared.icc, shared.xmp) == (exif(6), ICC, XMP)


def test_a_gray_pictures_profile_is_not_put_on_colour():
    gray = b"\0" * 16 + b"GRAY" + bytes(300)
    data = saved(Pillow.fromarray(noise(7, 13)), "PNG", icc_profile=gray)
    assert "icc_profile" not in opened(write(read(data), "webp")).info


def test_animations_are_refused():
    frames = [Pillow.fromarray(noise(7, 13, 3, seed=seed)) for seed in (1, 2)]
    with pytest.raises(PictureError, match=r"^is an animation of 2 frames"):
        read(saved(frames[0], "WEBP", save_all=True, append_images=frames[1:]))


def test_a_single_frame_without_loss_stays_without_loss():
    """As some programs write it, in an animation of one picture."""
    plain = saved(Pillow.fromarray(noise(20, 30, 3)), "WEBP", lossless=True)
    chunk = plain[12:]
    frame = bytes(6) + struct.pack("<I", 29)[:3] + struct.pack("<I", 19)[:3] + bytes(4) + chunk
    body = b"VP8X" + struct.pack("<I", 10) + bytes([2, 0, 0, 0]) + struct.pack("<I", 29)[:3] + struct.pack("<I", 19)[:3]
    body += b"ANIM" + struct.pack("<I", 6) + bytes(6) + b"ANMF" + struct.pack("<I", len(frame)) + frame
    data = b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body
    assert np.array_equal(opened(through(data)).convert("RGB"), opened(data).convert("RGB"))


def test_gray_is_gray_until_it_is_written():
    """So that networks for gray pictures see it."""
    image = fitting(read(saved(Pillow.fromarray(noise(7, 13)), "PNG"))[0], CODEC)
    assert image.shape == (7, 13, 1)
    shown = np.asarray(opened(write([image], "webp")).convert("RGB")).astype(int)
    assert np.ptp(shown, axis=2).max() <= 2
