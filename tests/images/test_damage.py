"""Damaged files are refused in a sentence, or read as far as they can be; never does another exception come out."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

from denoise_cli.errors import PictureError
from tests.images.helpers import (
    ICC,
    XMP,
    assert_harmless,
    cut,
    exif,
    flipped,
    noise,
    read,
    saved,
    with_png_chunks,
    write,
)
from tests.images.tiffs import floats, tiff

COLOR = Pillow.fromarray(noise(21, 37, 3))
PALETTE = Pillow.fromarray(noise(21, 37, below=16))
PALETTE.putpalette(noise(16, 3, seed=2).tobytes())
METADATA = {"exif": b"Exif\0\0" + exif(6), "icc_profile": ICC}
FILES = {
    "png": saved(COLOR, "PNG", **METADATA),
    "png_16": with_png_chunks(imagecodecs.png_encode(noise(21, 37, 4, dtype=np.uint16)), (b"eXIf", exif(6))),
    "png_palette": saved(PALETTE, "PNG", bits=4, transparency=bytes(range(16))),
    "jpeg": saved(COLOR, "JPEG", xmp=XMP, **METADATA),
    "jpeg_progressive": saved(COLOR.convert("CMYK"), "JPEG", progressive=True),
    "mpo": saved(COLOR, "MPO", save_all=True, append_images=[COLOR]),
    "tiff": tiff(noise(21, 37, 3), noise(5, 5), compression="lzw", predictor=True, rowsperstrip=4),
    "tiff_tiles": tiff(noise(21, 37, dtype=np.uint16), photometric="minisblack", tile=(16, 16), compression="deflate"),
    "tiff_float": tiff(floats(21, 37), options={"bigtiff": True}, photometric="minisblack"),
    "tiff_exif": write(read(saved(COLOR, "JPEG", **METADATA)), "tiff"),
    "tiff_palette": saved(PALETTE, "TIFF"),
    "webp": saved(COLOR, "WEBP", **METADATA),
    "webp_lossless": saved(COLOR.convert("RGBA"), "WEBP", lossless=True),
    "bmp": saved(COLOR, "BMP"),
    "bmp_palette": saved(PALETTE, "BMP"),
    "pgm": b"P5\n37 21\n1000\n" + noise(21, 37, dtype=np.uint16, below=1001).astype(">u2").tobytes(),
    "ppm_plain": b"P3\n37 21\n255\n" + " ".join(map(str, noise(21, 37, 3).ravel().tolist())).encode(),
    "pam": b"P7\nWIDTH 37\nHEIGHT 21\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n" + noise(21, 37, 4).tobytes(),
}


@pytest.mark.parametrize("name", FILES)
def test_the_whole_files_are_good(name):
    assert not assert_harmless(FILES[name], lambda data: data)


@pytest.mark.parametrize("name", FILES)
def test_files_that_are_cut_short_are_refused(name):
    """A few bytes at the very end are no loss to some formats."""
    for share in np.linspace(0.005, 0.93, 30):
        if name == "mpo" and share > 0.45:  # which has its first picture, and no more is wanted
            continue
        assert assert_harmless(FILES[name], cut(share)), f"{share:.3f} of it was taken for a whole"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("block", range(2))
def test_flipped_bytes_do_no_harm(name, block):
    began = time.monotonic()
    for seed in range(block * 60, block * 60 + 60):
        assert_harmless(FILES[name], flipped(seed))
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(
    "data", [b"Dear diary, " * 9, b"\x89PNG", b"GIF89a" + bytes(50), b"P8 1 1\n1", b"\0", b"%PDF-1.4"]
)
def test_what_is_no_picture_is_refused_whatever_it_is_called(data):
    with pytest.raises(PictureError, match=r"^is not a picture of a kind that is supported"):
        read(data)


def test_an_empty_file_is_refused():
    with pytest.raises(PictureError, match=r"^is empty$"):
        read(b"")


@pytest.mark.parametrize("start", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"RIFF\0\0\0\0WEBP", b"BM", b"P6 "])
@pytest.mark.parametrize("rest", [b"", b"\0" * 100, b"\xff" * 100, bytes(range(256))])
def test_a_beginning_that_promises_too_much_is_refused(start, rest):
    with pytest.raises(PictureError, match=r"^(is|has|needs) "):
        read(start + rest)


def test_no_library_says_a_word_on_stderr_about_damaged_files(tmp_path: Path):
    """In a process of its own, since C libraries and unconfigured loggers write past what pytest catches."""
    for name, data in FILES.items():
        for seed in range(10):
            (tmp_path / f"{name}.{seed}").write_bytes(flipped(seed)(data))
        for share in (0.3, 0.8):
            (tmp_path / f"{name}.{share}").write_bytes(cut(share)(data))
    program = """
import pathlib, sys
from denoise_cli.errors import PictureError
from denoise_cli.images.formats import read
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    with path.open("rb") as file:
        try:
            list(read(file).images)
        except PictureError:
            pass
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_tiff_that_wrongly_calls_itself_a_mask_can_be_written():
    """Which tifffile, left alone, refuses to write."""
    data = tiff(noise(7, 13, 3), photometric="rgb", subfiletype=0)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        at = file.pages[0].tags[254].offset + 8
    assert not assert_harmless(data, lambda whole: whole[:at] + b"\4" + whole[at + 1 :])
