from __future__ import annotations

import json
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from PIL import Image

from denoise_cli.cli.fit import _command
from denoise_cli.cli.main import main
from denoise_cli.errors import FitError
from tests.cli.runs import denoise_img


def test_fit_writes_a_weights_file_that_model_takes(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(3):
        shades = np.full((100, 120, 3), 60 * number, np.uint8)
        Image.fromarray(shades).save(photos / f"{number}.png")
    weights = tmp_path / "mine.safetensors"
    words = ["fit", "--clean", photos, "-m", "cnn", "--steps", 2, "--batch", 2, "--patch", 16, "-o", weights]
    outcome = denoise_img(*words, "--data", "three plain pictures")
    assert outcome.returncode == 0, outcome.stderr.decode()
    assert outcome.stdout.decode().strip() == str(weights)
    assert b"step 2/2" in outcome.stderr
    assert not weights.with_suffix(".checkpoint").exists()
    card = json.loads(denoise_img("models", weights, "--json").stdout)[0]
    assert card["training"] == "three plain pictures"
    assert card["command"].startswith("denoise-img fit --clean photos")
    assert denoise_img(photos / "0.png", "-o", tmp_path / "x.png", "-m", weights).returncode == 0

    again = denoise_img(*words)
    assert again.returncode == 2
    assert b"is there already" in again.stderr


def test_fit_takes_pairs_and_a_bundled_networks_name(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for folder in ("noisy", "clean"):
        (tmp_path / folder).mkdir()
        for number in range(2):
            shades = random.integers(0, 256, (100, 100, 3), np.uint8)
            Image.fromarray(shades).save(tmp_path / folder / f"{number}.png")
    weights = tmp_path / "mine.safetensors"
    words = ["--pairs", tmp_path / "noisy", tmp_path / "clean", "-m", "photo", "--from", "unet", "-o", weights]
    outcome = denoise_img("fit", *words, "--steps", 1, "--batch", 1, "--patch", 16)
    assert outcome.returncode == 0, outcome.stderr.decode()
    card = json.loads(denoise_img("models", weights, "--json").stdout)[0]
    assert card["command"].endswith(
        "fit --pairs noisy clean -m photo --from unet -o mine.safetensors --steps 1 --batch 1 --patch 16"
    )
    assert card["training"] == "2 pairs of the folders noisy and clean, 1 of them held out"


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("-o/home/u/m.safetensors --clean=/data/c", "-om.safetensors --clean=c"),
        ("-qo /home/u/m.safetensors --clean /data/c", "-qo m.safetensors --clean c"),
        ("--pairs=/data/n /data/p --data x/data/c", "--pairs=n p --data x/data/c"),
        ("--noisy-only . --data it.", "--noisy-only here --data it."),
    ],
)
def test_a_command_on_a_card_tells_no_folders(
    typed: str, written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    paths = ["/home/u/m.safetensors", "/data/c", "/data/n", "/data/p", "."]
    assert _command(["fit", *typed.split()], paths) == f"denoise-img fit {written}"


def test_what_fit_cannot_use_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(*words: object) -> tuple[object, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        return ended.value.code, capsys.readouterr().err

    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(2):
        Image.new("RGB", (100, 120), (9, 9, 50 * number)).save(photos / f"{number}.png")
    words = ["fit", "--clean", photos, "-o", tmp_path / "x.safetensors", "--steps", 1]
    for more, complaint in (
        (["--noise", "snow:3"], "unknown kind of noise 'snow'"),
        (["--patch", 200], "none of the pictures has 200 x 200"),
        (["-m", "win5rb-widened"], "name its weights file with --from"),
        (["-m", "unet9"], "no recipe 'unet9'"),
        (["--patch", 50], "a multiple of 8 pixels, not 50"),
        (["-m", "photo", "--from", photos / "0.png", "--gray"], "in colour"),
    ):
        code, said = refused(*words, *more)
        assert code == 2
        assert complaint in said
    for words_instead, complaint in (
        ([], "name what to learn from"),
        (["--clean", photos, "--pairs", photos, photos], "with one of"),
        (["--pairs", photos, photos, "--noise", "gaussian:5"], "--noise goes with --clean"),
        (["--pairs", photos, tmp_path], "has no picture of the same name"),
        (["--noisy-only", photos, "--compile"], "--compile is for long trainings"),
        (["--clean", photos, "--loss", "l3"], "no loss 'l3'; there are auto, l1, l2"),
        (["--clean", ""], "an empty name"),
        (["--noisy-only", ""], "an empty name"),
        (["--clean", photos, "--minutes", 3], "go with --noisy-only"),
        (["--noisy-only", photos, "--gray"], "name its recipe with --model"),
        (["--noisy-only", photos, "--minutes", "nan"], "nan is not a number from 0.1"),
        (["--clean", photos, "--seed", 10**22], "--seed"),
        (["--clean", photos, "--from", "median"], "a filter, which has no weights"),
    ):
        code, said = refused("fit", *words_instead, "-o", tmp_path / "x.safetensors")
        assert code == 2
        assert complaint in said
    (tmp_path / "x.html").write_text("precious")
    code, said = refused("fit", "--noisy-only", photos, "-o", tmp_path / "x.safetensors")
    assert code == 2
    assert "x.html is there already" in said
    code, said = refused("fit", "--clean", photos, "-o", "")
    assert code == 2
    assert "an empty name" in said
    (photos / "broken.png").write_text("no picture")
    code, said = refused(*words)
    assert code == 1
    assert "broken.png is not a picture" in said


def test_failures_that_are_no_wrong_usage_have_codes_of_their_own(
    tmp_path: Path, photos: Path, toy_weights: Path
) -> None:
    damaged = tmp_path / "damaged.safetensors"
    content = bytearray(toy_weights.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    done = denoise_img(photos / "a.jpg", "-o", tmp_path / "a.jpg", "-m", damaged)
    assert done.returncode == 1
    assert b"is damaged" in done.stderr
    for error, code in ((FitError("nothing is better"), 1), (KeyboardInterrupt(), 130)):
        with mock.patch("denoise_cli.fitting.noisy_only.fit_noisy_only", side_effect=error):
            done = denoise_img("fit", "--noisy-only", photos, "-o", tmp_path / "x.safetensors")
        assert done.returncode == code
