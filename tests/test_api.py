from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import denoise_cli
from denoise_cli import PictureError, UsageError
from denoise_cli.denoisers.network import NetworkDenoiser
from tests.conftest import toy_card, toy_network


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((9, 8), "uint8"), ((9, 8), "float32"), ((9, 8, 3), "uint16"), ((9, 8, 1), "float64"), ((9, 8, 4), "uint8"),
     ((9, 8, 2), "uint16"), ((9, 8, 5), "int16"), ((1, 1, 3), "uint8"), ((9, 8, 4), ">u2"), ((9, 8, 2), ">f4")],
)  # fmt: skip
def test_arrays_come_back_as_what_they_were(shape: tuple[int, ...], dtype: str) -> None:
    random = np.random.default_rng(0)
    noisy = (random.random(shape) * (1 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max)).astype(dtype)
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
    with pytest.raises(UsageError, match=r"load\(\) takes tile"):
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


def test_what_there_is_shows_without_being_loaded() -> None:
    script = (
        "import sys, denoise_cli\n"
        "assert set(denoise_cli.__all__) <= set(dir(denoise_cli))\n"
        "assert not {'numpy', 'torch'} & set(sys.modules)\n"
        "assert all(hasattr(denoise_cli, name) for name in denoise_cli.__all__)\n"
        "assert 'torch' not in sys.modules\n"
        "assert not hasattr(denoise_cli, 'denoyse')\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize(
    ("dtype", "way"),
    [("float32", r"image\.filled\(np\.nan\)"), ("uint16", r"image\.astype\(float\)\.filled\(np\.nan\)")],
)
def test_masked_arrays_are_refused_with_the_way_to_keep_their_mask(dtype: str, way: str) -> None:
    masked = np.ma.masked_greater(np.full((9, 9), 100, dtype), 200)
    with pytest.raises(UsageError, match=way):
        denoise_cli.denoise(masked, "median")


@pytest.mark.parametrize(
    "arguments",
    [
        {"image": [[1, 2], [3, 4]]},
        {"image": None},
        {"image": io.BytesIO()},
        {"model": None},
        {"model": 3},
        {"model": []},
        {"strength": None},
        {"model": "nlm", "sigma": "3"},
        {"white": "1"},
        {"quality": "95"},
        {"quality": 95.5},
        {"size": "3"},
        {"image": "a.png", "output": 3},
    ],
)
def test_what_is_of_a_wrong_type_is_a_type_error_that_names_it(arguments: dict[str, object]) -> None:
    name = list(arguments)[-1]
    with pytest.raises(TypeError, match=rf"^{name} is an? .*, not \w+$"):
        denoise_cli.denoise(**{"image": np.zeros((4, 4), np.uint8), "model": "median", **arguments})


@pytest.mark.parametrize("name", ["sigma", "strength", "white"])
@pytest.mark.parametrize("sign", [1, -1])
def test_numbers_of_hundreds_of_digits_are_out_of_range(name: str, sign: int) -> None:
    with pytest.raises(UsageError, match=rf"{name} is .*, not -?inf"):
        denoise_cli.denoise(np.zeros((4, 4)), "nlm", **{name: sign * 10**400})


def test_a_picture_that_ends_too_early_is_a_picture_error(noisy_jpeg: Path) -> None:
    cut = io.BytesIO(noisy_jpeg.read_bytes()[:9000])
    with pytest.raises(PictureError, match=r"^the picture cannot be read: .*truncated"):
        denoise_cli.denoise(Image.open(cut), "median")


@pytest.mark.parametrize(("mode", "way"), [("YCbCr", "convert it to"), ("RGBX", "convert it to"), ("I", "asarray")])
def test_a_mode_that_is_not_supported_is_told_with_a_way_out(mode: str, way: str) -> None:
    with pytest.raises(PictureError, match=rf"^the picture has a mode that is not supported \({mode}\); .*{way}"):
        denoise_cli.denoise(Image.new(mode, (9, 9)), "median")


def test_what_a_network_cannot_compute_is_told_in_words_of_python() -> None:
    network = toy_network("dncnn")
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(1e38)
    wild = NetworkDenoiser(toy_card("dncnn"), network, device="cpu", precision="fp32", tile="auto")
    noisy = np.full((8, 8, 3), 100, np.uint8)
    with pytest.raises(PictureError, match=r"^the array has .*; white= says"):
        denoise_cli.denoise(noisy, wild)
    with pytest.raises(PictureError, match=r"^the picture has .*; white= says"):
        denoise_cli.denoise(Image.fromarray(noisy), wild)


def test_an_output_that_ends_in_a_slash_is_a_folder(tmp_path: Path) -> None:
    source = tmp_path / "in.png"
    Image.new("L", (13, 7)).save(source)
    assert denoise_cli.denoise(source, "median", output=f"{tmp_path}/new/") == tmp_path / "new" / "in.png"


def test_any_path_object_gives_a_path(tmp_path: Path) -> None:
    class Named:
        def __fspath__(self) -> str:
            return str(tmp_path / "in.png")

    Image.new("L", (13, 7)).save(tmp_path / "in.png")
    assert denoise_cli.denoise(Named(), "median") == tmp_path / "in.denoised.png"


def test_urls_are_places_like_others(tmp_path: Path) -> None:
    source = tmp_path / "in 1.png"
    Image.new("L", (13, 7)).save(source)
    assert denoise_cli.denoise(f"file://{tmp_path}/in%201.png", "median") == str(tmp_path / "in 1.denoised.png")
    for _ in range(2):
        assert denoise_cli.denoise(str(source), "median", output="memory://api/x.png", overwrite=True) == (
            "memory://api/x.png"
        )
    assert denoise_cli.denoise("memory://api/x.png", "median") == "memory://api/x.denoised.png"
    with pytest.raises(FileExistsError, match="overwrite=True"):
        denoise_cli.denoise("memory://api/x.png", "median")
    with pytest.raises(UsageError, match="as text"):
        denoise_cli.denoise(source, "median", output="memory://api/y.png")
    with pytest.raises(UsageError, match=r"say with output="):
        denoise_cli.denoise("https://example.org/x.png", "median")
    with pytest.raises(UsageError, match="empty name"):
        denoise_cli.denoise("", "median")


def test_a_palette_with_alpha_keeps_it() -> None:
    picture = Image.new("RGBA", (30, 20), (200, 40, 40, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 10, 20))
    result = denoise_cli.denoise(picture.quantize(8), "median")
    assert np.array_equal(np.asarray(result.convert("RGBA"))[:, :, 3], np.asarray(picture)[:, :, 3])
