"""TIFF files that cannot be denoised are refused with a reason."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import tifffile

from denoise_cli.errors import PictureError
from tests.images.helpers import noise, read
from tests.images.tiffs import tiff


def test_colour_stored_as_luma_and_chroma_otherwise_is_refused():
    data = tiff(noise(7, 13, 3), photometric="ycbcr", compression="lzw")
    with pytest.raises(PictureError, match=r"^has a colour model that is not supported \(YCBCR\)"):
        read(data)


def test_a_file_that_lost_its_last_pages_is_refused_and_not_shortened():
    data = tiff(noise(40, 50), noise(40, 50), noise(40, 50), photometric="minisblack")
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        second = file.pages[1].offset
    with pytest.raises(PictureError, match=r"^is (damaged or )?cut short"):
        read(data[:second])


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
