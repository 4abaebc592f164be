"""Folders in which everything is wrong that can be: each file is named with its reason, all others are done."""

from __future__ import annotations

import io
import os
import resource
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.images.helpers import claiming, noise, saved, with_png_chunks

GOOD = saved(Image.fromarray(noise(21, 37, 3)), "PNG")
LONG = 120  # seconds after which it hangs


def denoised(*words: object, bytes_a_file: int | None = None, **options: object) -> subprocess.CompletedProcess[bytes]:
    """Ends within memory and time that are enough for good pictures."""

    def limits() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
        if bytes_a_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_a_file, bytes_a_file))

    command = [sys.executable, "-m", "denoise_cli", "-m", "mean", *map(str, words)]
    few = os.environ | {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}  # each has memory of its own
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": few, **options}
    return subprocess.run(command, check=False, timeout=LONG, preexec_fn=limits, **options)  # type: ignore[call-overload]


def tiff_of_a_billion_pixels(folder: Path) -> bytes:
    path = folder / "small"
    tifffile.imwrite(path, noise(20, 30), compression="deflate", rowsperstrip=20)
    with tifffile.TiffFile(path, mode="r+") as tiff:
        for tag in ("ImageLength", "RowsPerStrip"):
            tiff.pages[0].tags[tag].overwrite(40_000_000)
    return path.read_bytes()


def bomb() -> bytes:
    """300 megabytes in 300 kilobytes."""
    return zlib.compress(bytes(300 << 20), 9)


def test_hostile_files_are_named_and_the_others_done(tmp_path: Path) -> None:
    source, result = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    wrong_turn = Image.Exif()
    wrong_turn[0x0112] = 255
    good = {
        "good.png": GOOD,
        "turned-wrongly.jpg": saved(Image.fromarray(noise(21, 37, 3)), "JPEG", exif=wrong_turn.tobytes()),
        "name\nof two lines.png": GOOD,
        os.fsdecode(b"no text \xff\xfe.png"): GOOD,
        "text-bomb.png": with_png_chunks(GOOD, (b"zTXt", b"Comment\0\0" + bomb())),  # is carried as it is
    }
    bad = {
        "billion.png": claiming(GOOD, 50_000, 20_000),
        "billion.tif": tiff_of_a_billion_pixels(tmp_path),
        "empty.jpg": b"",
        "words.png": b"just words",
        "half\nin two lines.png": GOOD[:100],
        os.fsdecode(b"half \xff.png"): GOOD[:100],
    }
    for name, data in {**good, **bad}.items():
        (source / name).write_bytes(data)
    os.mkfifo(source / "pipe.png")
    (source / "device.png").symlink_to("/dev/zero")
    (source / "nowhere.png").symlink_to(source / "nothing")
    (source / "round.png").symlink_to(source / "round.png")
    (source / "deeper").mkdir()
    (source / "deeper" / "up").symlink_to(source, target_is_directory=True)
    bad |= dict.fromkeys(("pipe.png", "device.png"), b"")

    done = denoised(source, "-o", result)
    told = done.stderr.decode(errors="surrogateescape")
    assert done.returncode == 1
    assert "Traceback" not in told
    for name in bad:
        assert f"{source / name} " in told
        assert not (result / name).exists()
    assert {path.name for path in result.iterdir()} == good.keys()


def test_a_profile_that_unpacks_to_hundreds_of_megabytes_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "in.png"
    path.write_bytes(with_png_chunks(GOOD, (b"iCCP", b"profile\0\0" + bomb())))
    done = denoised(path, "-o", tmp_path / "out.jpg")
    assert done.returncode in (0, 1)
    assert b"Traceback" not in done.stderr
    assert b"unforeseen" not in done.stderr


def test_a_stack_of_ten_thousand_pages_is_done_page_by_page(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "in.tif") as tiff:
        for _ in range(10_000):
            tiff.write(np.zeros((2, 2), np.uint8), contiguous=False)
    assert denoised(tmp_path / "in.tif", "-o", tmp_path / "out.tif").returncode == 0
    with tifffile.TiffFile(tmp_path / "out.tif") as tiff:
        assert len(tiff.pages) == 10_000


def test_a_disk_that_is_full_is_told(tmp_path: Path) -> None:
    """A file that may not grow stands for it: large results fail, small ones are there."""
    source, result = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    (source / "small.png").write_bytes(GOOD)
    Image.fromarray(noise(300, 300, 3)).save(source / "large.png")
    done = denoised(source, "-o", result, bytes_a_file=100_000)
    assert done.returncode == 1
    assert f"{source / 'large.png'} has no place for its result".encode() in done.stderr
    assert [path.name for path in result.iterdir()] == ["small.png"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_stdout_that_takes_nothing_is_told() -> None:
    with Path("/dev/full").open("wb") as full:
        done = denoised("-", "-o", "-", input=GOOD, stdout=full)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert done.stderr == b"denoise-img: stdout cannot be written (No space left on device)\n"


@pytest.mark.parametrize("value", [0.0, 1.0, 0.3, -5.0, 1e6, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("model", ["mean", "cae"])
def test_pictures_of_one_value_stay_what_they_are(value: float, model: str) -> None:
    """By networks about that; what lies far beyond black, which none has learnt, becomes some number."""
    from denoise_cli import denoise

    picture = np.full((20, 20, 3), value, np.float32)
    result = denoise(picture, model, white=1.0)
    assert result.shape == picture.shape
    if not np.isfinite(value) or model == "mean":
        np.testing.assert_allclose(result, picture, rtol=1e-5)
    elif value == -5:
        assert np.isfinite(result).all()
    else:
        np.testing.assert_allclose(result, picture, atol=0.05, rtol=0.05)


def test_the_same_input_gives_the_same_bytes(noisy_jpeg: Path) -> None:
    """By the default model, in several tiles."""
    picture = saved(Image.open(noisy_jpeg).crop((300, 200, 600, 400)), "PNG")
    results = [denoised("-", "-o", "-", "-m", "photo", "--tile", 256, input=picture).stdout for _ in range(2)]
    assert results[0] == results[1] != picture
    assert Image.open(io.BytesIO(results[0])).size == (300, 200)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_text_that_stdout_does_not_take_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(GOOD)
    with Path("/dev/full").open("wb") as full:
        done = denoised(tmp_path / "a.png", "-o", tmp_path / "b.png", "--json", "-q", stdout=full)
    assert done.returncode == 1
    assert done.stderr == b"denoise-img: stdout cannot be written (No space left on device)\n"
