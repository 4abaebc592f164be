"""PBM, PGM, PPM and PAM files keep their kind, maximum value and samples."""

from __future__ import annotations

import io
from pathlib import Path

import netpbmfile
import numpy as np
import pytest
from PIL import Image as Pillow

from denoise_cli.errors import PictureError
from denoise_cli.images.codec import SaveOptions
from denoise_cli.images.convert import fitting
from denoise_cli.images.formats import by_suffix
from tests.images.helpers import noise, opened, read, saved, through, write


def netpbm(samples: np.ndarray, magic: str, maximum: int) -> bytes:
    file = io.BytesIO()
    if magic in ("P1", "P4"):
        netpbmfile.imwrite(file, samples.astype(bool), magicnumber=magic)
    else:
        netpbmfile.imwrite(file, samples, magicnumber=magic, maxval=maximum)
    return file.getvalue()


def decoded(data: bytes) -> tuple[str, int, np.ndarray]:
    with netpbmfile.NetpbmFile(io.BytesIO(data)) as file:
        return file.magicnumber, file.maxval, np.array(file.asarray())


KINDS = [
    *[(magic, 1, 1) for magic in ("P1", "P4")],
    *[(magic, 1, maximum) for magic in ("P2", "P5") for maximum in (15, 255, 1000, 65535)],
    *[(magic, 3, maximum) for magic in ("P3", "P6") for maximum in (100, 255, 1000, 65535)],
    *[("P7", channels, maximum) for channels in (1, 2, 3, 4) for maximum in (255, 1000, 65535)],
]


@pytest.mark.parametrize(("magic", "channels", "maximum"), KINDS)
@pytest.mark.parametrize("size", [(13, 7), (1, 1), (16, 3)])
def test_kind_maximum_and_samples_stay(magic, channels, maximum, size):
    samples = noise(size[1], size[0], channels, dtype=np.uint16, below=maximum + 1)
    samples = samples.astype(np.uint8 if maximum < 256 else np.uint16)
    data = netpbm(samples[:, :, 0] if channels == 1 else samples, magic, maximum)
    kind, limit, again = decoded(through(data))
    assert (kind, limit) == (magic, maximum)
    np.testing.assert_array_equal(again, decoded(data)[2])
    image = read(data)[0]
    assert (image.alpha is not None) == (channels in (2, 4))
    if image.alpha is not None:
        assert image.format.largest == maximum


@pytest.mark.parametrize("name", ["P1", "P4"])
def test_one_is_black_in_pbm(name):
    data = netpbm(np.array([[1, 0, 0]]), name, 1)
    np.testing.assert_array_equal(read(data)[0].pixels[0, :, 0], [0, 1, 1])
    np.testing.assert_array_equal(opened(through(data)).convert("L"), [[0, 255, 255]])


def test_one_is_white_in_pam():
    head = b"P7\nWIDTH 3\nHEIGHT 1\nDEPTH 1\nMAXVAL 1\nTUPLTYPE BLACKANDWHITE\nENDHDR\n"
    data = head + b"\1\0\0"
    np.testing.assert_array_equal(read(data)[0].pixels[0, :, 0], [1, 0, 0])
    assert through(data) == data


@pytest.mark.parametrize("name", ["png", "bmp", "tiff"])
def test_black_stays_black_between_bilevel_formats(name):
    pbm = netpbm(np.array([[1, 0, 0], [0, 1, 1]]), "P4", 1)
    other = write(read(pbm), name)
    assert opened(other).mode == "1"
    np.testing.assert_array_equal(opened(other), [[False, True, True], [True, False, False]])
    assert write(read(other), "pnm") == b"P4\n3 2\n\x80\x60"


def test_plain_text_with_comments_and_without_spaces_is_read():
    assert read(b"P1 # a\n3 # b\n 2\n011\n1 0 # c 1\n 0")[0].pixels[:, :, 0].tolist() == [[1, 0, 0], [0, 1, 1]]
    assert read(b"P2\n# 9 9\n2 1\n10\n5 # 7\n 10")[0].pixels[0, :, 0].tolist() == [0.5, 1]


def test_no_line_of_plain_text_is_longer_than_70_characters():
    data = netpbm(noise(3, 40, 3, dtype=np.uint16) | 0xC000, "P3", 65535)
    assert max(map(len, through(data).splitlines())) <= 70


def test_a_picture_from_elsewhere_becomes_the_kind_that_fits():
    for samples, kind in ((noise(7, 13), b"P5"), (noise(7, 13, 3), b"P6"), (noise(7, 13, 4), b"P7")):
        data = write(read(saved(Pillow.fromarray(samples), "PNG")), "pnm")
        assert data[:2] == kind
        np.testing.assert_array_equal(decoded(data)[2], samples)


@pytest.mark.parametrize(
    "data",
    [
        b"P6 99999 99999 255\n1234",
        b"P6 9999999999 9999999999 255\n1234",
        b"P3 99999 99999 255\n1234",
        b"P1 99999 99999\n0101",
        b"P4 99999 99999\n0101",
        b"P5 2 2 255\n123",
        b"P5 2 2",
        b"P5 0 2 255\n",
        b"P5 2 2 0\n1234",
        b"P5 2 2 70000\n12345678",
        b"P2 2 2 255\n1 2 3",
        b"P2 2 2 255\n1 2 3 x",
        b"P2 2 2 255\n1 2 3 -4",
        b"P1 2 2\n0 1 2 1",
        b"P2 is what I call prose",
        b"P7\nWIDTH 2\n",
        b"P7\nWIDTH 2\nHEIGHT -2\nDEPTH 1\nMAXVAL 255\nENDHDR\n1234",
        b"P7\nWIDTH 2\nHEIGHT 2\nDEPTH 5\nMAXVAL 255\nENDHDR\n12345678901234567890",
        b"P7\nWIDTH 2\nHEIGHT 2\nDEPTH 1\nMAXVAL 255\nTUPLTYPE THERMAL\nENDHDR\n1234",
    ],
)
def test_damaged_and_foreign_files_are_refused(data):
    with pytest.raises(PictureError, match=r"^is "):
        read(data)


def test_samples_above_the_maximum_are_clipped():
    assert decoded(through(b"P5 2 1 100\n\x64\xff"))[2].tolist() == [[100, 100]]


@pytest.mark.parametrize("name", ["L", "1"])
def test_several_pictures_in_a_file_are_refused(name):
    data = saved(Pillow.new(name, (13, 7)), "PPM")
    assert read(data + b"\n")[0].shape == (7, 13, 1)
    with pytest.raises(PictureError, match="holds several pictures"):
        read(data + data)


def test_files_named_as_of_colour_hold_no_transparency():
    """Which only PAM has, that hardly a program opens under such a name."""
    opaque, clear = (read(saved(Pillow.new("RGBA", (5, 4), (9, 8, 7, alpha)), "PNG"))[0] for alpha in (255, 128))
    codec = by_suffix(Path("a.PPM"))
    file = io.BytesIO()
    codec.write(file, iter([fitting(opaque, codec)]), SaveOptions())
    assert file.getvalue().startswith(b"P6")
    with pytest.raises(PictureError, match="has transparency, which PNM cannot hold"):
        fitting(clear, codec)
    assert fitting(clear, by_suffix(Path("a.pnm"))).alpha is not None
