from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import denoise_cli
from denoise_cli.errors import PictureError, UsageError


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((9, 8), "uint8"), ((9, 8), "float32"), ((9, 8, 3), "uint16"), ((9, 8, 1), "float64"), ((9, 8, 4), "uint8"),
     ((9, 8, 2), "uint16"), ((9, 8, 5), "int16"), ((1, 1, 3), "uint8")],
)  # fmt: skip
def test_arrays_come_back_as_what_they_were(shape: tuple[int, ...], dtype: str) -> None:
    random = np.random.default_rng(0)
    noisy = (random.random(shape) * (1 if dtype.startswith("f") else np.iinfo(dtype).max)).astype(dtype)
    before = noisy.copy()
    result = denoise_cli.denoise(noisy, "median")
    assert result.shape == noisy.shape
    assert result.dtype == noisy.dtype
    assert np.array_equal(noisy, before)
    if shape[-1] in (2, 4) and len(shape) == 3:
        assert np.array_equal(result[..., -1], noisy[..., -1])


def test_a_gray_array_is_filtered_as_expected() -> None:
    noisy = np.full((9, 9), 100, np.uint8)
    noisy[4, 4] = 255
    assert (denoise_cli.denoise(noisy, "median") == 100).all()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"])
def test_pil_pictures_keep_their_mode_size_and_info(mode: str) -> None:
    picture = Image.new("RGB", (13, 7), (200, 30, 90)).convert("L" if mode in ("I;16", "F") else mode)
    picture = Image.fromarray(np.asarray(picture).astype(np.uint16 if mode == "I;16" else np.float32)) if mode in (
        "I;16", "F") else picture  # fmt: skip
    picture.info["comment"] = "kept"
    result = denoise_cli.denoise(picture, "median")
    assert (result.mode, result.size) == (mode, (13, 7))
    assert result.info["comment"] == "kept"


def test_a_path_gives_the_path_of_its_result(tmp_path: Path) -> None:
    source = tmp_path / "in.png"
    Image.new("RGB", (13, 7), (200, 30, 90)).save(source)
    assert denoise_cli.denoise(source, "median") == tmp_path / "in.denoised.png"
    assert denoise_cli.denoise(str(source), "median", output=tmp_path / "x.webp") == str(tmp_path / "x.webp")
    for again in ({}, {"output": tmp_path / "x.webp"}):
        with pytest.raises(FileExistsError, match="overwrite=True"):
            denoise_cli.denoise(source, "median", **again)
    denoise_cli.denoise(source, "median", overwrite=True)


def test_a_loaded_denoiser_can_be_used_again(toy_weights: Path) -> None:
    denoiser = denoise_cli.load(toy_weights, device="cpu")
    with pytest.raises(UsageError, match="tile belong to load"):
        denoise_cli.denoise(np.zeros((5, 5)), denoiser, tile=32)
    noisy = np.random.default_rng(0).random((20, 20, 3), np.float32)
    assert np.array_equal(denoise_cli.denoise(noisy, denoiser), denoise_cli.denoise(noisy, denoiser))
    assert denoiser.card.architecture == "dncnn"


def test_progress_is_called_instead_of_printing(toy_weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[tuple[int, int]] = []
    noisy = np.zeros((70, 40, 3), np.uint8)
    denoise_cli.denoise(noisy, str(toy_weights), tile=32, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (2800, 2800)
    assert len(seen) > 2
    assert capsys.readouterr() == ("", "")


def test_models_are_listed() -> None:
    assert {"median", "gaussian", "mean", "nlm", denoise_cli.DEFAULT_MODEL} <= {c.name for c in denoise_cli.models()}


@pytest.mark.parametrize(
    ("image", "options"),
    [
        (np.zeros((2, 2)), {"white": 0}),
        (np.zeros((2, 2)), {"quality": 0}),
        (np.zeros((2, 2)), {"output": "x.png"}),
        (np.zeros((2, 2)), {"strength": float("nan")}),
        (np.zeros((2, 2)), {"strength": 2}),
        (np.zeros((2, 2), bool), {}),
        (np.zeros((0, 4)), {}),
        (np.zeros(3), {}),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(image: np.ndarray, options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        denoise_cli.denoise(image, "median", **options)


def test_errors_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_text("hello")
    with pytest.raises(PictureError, match=r"x\.png is not a picture"):
        denoise_cli.denoise(tmp_path / "x.png", "median")
    with pytest.raises(UsageError, match="the command line takes folders"):
        denoise_cli.denoise(tmp_path, "median")


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_white_of_64_bits_stays_white(dtype: type) -> None:
    white = np.full((4, 4), np.iinfo(dtype).max, dtype)
    assert (denoise_cli.denoise(white, "median") > np.iinfo(dtype).max * 0.999).all()


@pytest.mark.parametrize(("mode", "key"), [("RGB", (10, 20, 30)), ("L", 77)])
def test_a_transparent_colour_stays_where_it_is(mode: str, key: object) -> None:
    random = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    samples = random if mode == "RGB" else random[:, :, 0]
    samples[5:9, 5:9] = key
    picture = Image.fromarray(samples)
    picture.info["transparency"] = key
    result = denoise_cli.denoise(picture, "gaussian")
    before, after = (np.asarray(p.convert("RGBA"))[:, :, 3] for p in (picture, result))
    assert result.mode == mode
    assert np.array_equal(before, after)
    assert (after == 0).sum() >= 16


def test_pictures_without_pixels_and_empty_names_are_usage_errors() -> None:
    with pytest.raises(UsageError, match="has none"):
        denoise_cli.denoise(Image.new("RGB", (0, 5)), "median")
    with pytest.raises(UsageError, match="empty name"):
        denoise_cli.denoise("a.png", "median", output="")


def test_a_transparent_colour_of_16_bits_is_none_of_8(tmp_path: Path) -> None:
    """Pillow opens such a file with 8 bits and leaves its key as it was."""
    picture = Image.new("RGB", (20, 30), (9, 8, 7))
    picture.info["transparency"] = (65535, 65535, 65535)
    assert denoise_cli.denoise(picture, "median").size == (20, 30)
