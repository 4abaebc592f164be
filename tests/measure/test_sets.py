"""Which pictures are measured, and how they are read."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from denoise_cli.errors import PictureError, UsageError
from denoise_cli.measure.quality import psnr
from denoise_cli.measure.sets import clean_set, paired_set, read, read_pair


def test_folders_pair_by_name_and_patterns_by_order(folder: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    for name in ("0.denoised.jpg", "1.jpg"):
        Image.new("RGB", (64, 48)).save(results / name)
    by_name = paired_set(str(results), str(folder))
    assert [path.name for path in by_name.clean] == ["0.png", "1.png"]
    by_order = paired_set(f"{results}/*.jpg", f"{folder}/*.png")
    assert by_order.noisy == by_name.noisy
    assert by_order.name == "flat"
    with pytest.raises(UsageError, match="numbers of pictures differ: 2 and 1"):
        paired_set(f"{results}/*.jpg", str(folder / "0.png"))
    Image.new("RGB", (64, 48)).save(results / "2.png")
    with pytest.raises(UsageError, match=r"2\.png has no picture of the same name"):
        paired_set(str(results), str(folder))


def test_one_name_in_two_formats_pairs_by_format(tmp_path: Path) -> None:
    clean, results = tmp_path / "clean", tmp_path / "results"
    for place in (clean, results):
        place.mkdir()
        for name in ("x.jpg", "x.png"):
            Image.new("RGB", (64, 48)).save(place / name)
    pairs = paired_set(str(results), str(clean))
    assert [path.name for path in pairs.clean] == [path.name for path in pairs.noisy] == ["x.jpg", "x.png"]
    Image.new("RGB", (64, 48)).save(clean / "x.denoised.png")
    assert paired_set(str(results), str(clean)) == pairs
    Image.new("RGB", (64, 48)).save(results / "x.webp")
    with pytest.raises(UsageError, match=r"x\.webp has several pictures of the same name"):
        paired_set(str(results), str(clean))


def test_of_two_float_pictures_the_clean_one_says_what_is_white(tmp_path: Path) -> None:
    clean = np.linspace(0, 254, 64 * 48, dtype=np.float32).reshape(48, 64)
    noisy = clean + np.random.default_rng(0).normal(0, 25, clean.shape).astype(np.float32)
    tifffile.imwrite(tmp_path / "clean.tif", clean)
    tifffile.imwrite(tmp_path / "noisy.tif", noisy)
    first, second = read_pair(tmp_path / "noisy.tif", tmp_path / "clean.tif")
    assert psnr(first, second) == pytest.approx(
        peak_signal_noise_ratio(clean, noisy.clip(0, 255), data_range=255), abs=0.1
    )


def test_a_white_that_is_given_holds_for_what_is_read(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "dim.tif", np.full((20, 20), 1000, np.uint16))
    noisy, clean = (paired_set(str(tmp_path / "dim.tif"), str(tmp_path / "dim.tif"), 4000), clean_set(tmp_path, 4000))
    assert (read(clean.clean[0], clean.white) == 0.25).all()
    assert all((pixels == 0.25).all() for pixels in read_pair(noisy.noisy[0], noisy.clean[0], noisy.white))
    with pytest.raises(UsageError, match="a number above 0"):
        clean_set(tmp_path, 0)


def test_only_files_of_one_picture_are_measured(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "stack.tif", np.zeros((3, 20, 20), np.uint8), photometric="minisblack")
    with pytest.raises(PictureError, match="holds 3 pictures"):
        read_pair(tmp_path / "stack.tif", tmp_path / "stack.tif")


def test_pairs_of_different_sizes_are_named(tmp_path: Path) -> None:
    first, second = tmp_path / "a.png", tmp_path / "b.png"
    Image.new("RGB", (64, 48)).save(first)
    Image.new("L", (64, 48)).save(second)
    with pytest.raises(PictureError, match=r"64 x 48 with 3 channels, but .*b\.png is 64 x 48 with 1 channels"):
        read_pair(first, second)


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder with pictures"):
        clean_set(tmp_path)


def test_results_beside_their_pictures_are_not_measured(tmp_path: Path) -> None:
    for name in ("a.png", "a.denoised.png", "b.denoised.png"):
        Image.new("L", (20, 20)).save(tmp_path / name)
    (tmp_path / ".hidden").mkdir()
    Image.new("L", (20, 20)).save(tmp_path / ".hidden" / "c.png")
    assert [path.name for path in clean_set(tmp_path).clean] == ["a.png", "b.denoised.png"]


def test_samples_that_are_no_numbers_take_no_part(tmp_path: Path) -> None:
    picture = np.full((32, 32), 0.5, np.float32)
    picture[3, 4], picture[9, 9] = np.nan, 3.4e38
    tifffile.imwrite(tmp_path / "a.tif", picture)
    assert np.array_equal(read(tmp_path / "a.tif"), np.full((32, 32, 1), 0.5, np.float32))


def test_of_two_pictures_that_do_not_say_what_is_white_the_clean_one_does(tmp_path: Path) -> None:
    clean = np.linspace(0, 254, 64 * 48).reshape(48, 64).astype(np.uint32)
    noisy = (clean + np.random.default_rng(0).normal(0, 25, clean.shape)).round().clip(0).astype(np.uint32)
    tifffile.imwrite(tmp_path / "clean.tif", clean)
    tifffile.imwrite(tmp_path / "noisy.tif", noisy)  # beyond 255, so that by itself its white would be 1023
    pair = read_pair(tmp_path / "noisy.tif", tmp_path / "clean.tif")
    assert psnr(*pair) == pytest.approx(peak_signal_noise_ratio(clean, noisy.clip(0, 255), data_range=255), abs=0.1)


def test_results_beside_noisy_pictures_are_no_noisy_pictures(folder: Path, tmp_path: Path) -> None:
    noisy = tmp_path / "noisy"
    noisy.mkdir()
    for name in ("0.png", "0.denoised.png"):
        Image.new("RGB", (64, 48)).save(noisy / name)
    assert [path.name for path in paired_set(str(noisy), str(folder)).noisy] == ["0.png"]
    results = paired_set(str(noisy), str(folder), results=True)
    assert [path.name for path in results.noisy] == ["0.denoised.png", "0.png"]


def test_a_folder_that_cannot_be_read_is_no_smaller_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed, scandir = tmp_path / "closed", os.scandir
    closed.mkdir()
    Image.new("L", (20, 20)).save(tmp_path / "a.png")

    def scanned(path: str) -> object:
        if str(path) == str(closed):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scanned)
    with pytest.raises(UsageError, match=r"closed cannot be read \(Permission denied\)"):
        clean_set(tmp_path)
