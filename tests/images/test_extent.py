from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from denoise_cli.errors import PictureError
from denoise_cli.images.extent import pixels_in


@pytest.mark.parametrize("name", ["png", "jpeg", "webp", "bmp", "ppm"])
def test_width_times_height(name: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (30, 20)).save(file, name)
    file.seek(0)
    assert pixels_in(file) == 600


def test_pam() -> None:
    assert pixels_in(io.BytesIO(b"P7\nWIDTH 30\nHEIGHT 20\nDEPTH 1\nMAXVAL 255\nENDHDR\n")) == 600


def test_pages_of_a_stack_are_added_up() -> None:
    file = io.BytesIO()
    tifffile.imwrite(file, np.zeros((3, 20, 30), np.uint16), photometric="minisblack")
    file.seek(0)
    assert pixels_in(file) == 1800


@pytest.mark.parametrize(
    ("channels", "kinds", "pixels"),
    [(3, [], 600), (4, ["unassalpha"], 600), (4, ["unspecified"], 800), (200, None, 40_000)],
)
def test_further_channels_count_three_for_one(channels: int, kinds: list[str] | None, pixels: int) -> None:
    file = io.BytesIO()
    samples = np.zeros((20, 30, channels), np.uint8)
    photometric = "minisblack" if kinds is None else "rgb"
    tifffile.imwrite(file, samples, photometric=photometric, planarconfig="contig", extrasamples=kinds)
    file.seek(0)
    assert pixels_in(file) == pixels


def test_claims_are_believed_before_anything_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "small.tif"
    tifffile.imwrite(path, np.zeros((20, 30), np.uint8))
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages[0].tags["ImageLength"].overwrite(1_000_000)
    with path.open("rb") as file:
        assert pixels_in(file) == 30_000_000


@pytest.mark.parametrize("data", [b"", b"words", b"P7\nENDHDR\n"])
def test_what_is_no_picture_is_told(data: bytes) -> None:
    with pytest.raises(PictureError):
        pixels_in(io.BytesIO(data))
