from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from denoise_cli.cli.fit import _command
from tests.cli.test_cli import denoise_img


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
    monkeypatch.setattr(sys, "argv", ["denoise-img", "fit", *typed.split()])
    paths = ["/home/u/m.safetensors", "/data/c", "/data/n", "/data/p", "."]
    assert _command(paths) == f"denoise-img fit {written}"


def test_what_fit_cannot_use_is_explained(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(2):
        Image.new("RGB", (100, 120), (9, 9, 50 * number)).save(photos / f"{number}.png")
    words = ["fit", "--clean", photos, "-o", tmp_path / "x.safetensors", "--steps", 1]
    for more, complaint in (
        (["--noise", "snow:3"], b"unknown kind of noise 'snow'"),
        (["--patch", 200], b"none of the pictures has 200 x 200"),
        (["-m", "win5rb-widened"], b"name its weights file with --from"),
        (["-m", "unet9"], b"no recipe 'unet9'"),
        (["--patch", 50], b"a multiple of 8 pixels, not 50"),
        (["-m", "photo", "--from", photos / "0.png", "--gray"], b"in colour"),
    ):
        outcome = denoise_img(*words, *more)
        assert outcome.returncode == 2
        assert complaint in outcome.stderr
    for words_instead, complaint in (
        ([], b"name what to learn from"),
        (["--clean", photos, "--pairs", photos, photos], b"with one of"),
        (["--pairs", photos, photos, "--noise", "gaussian:5"], b"--noise goes with --clean"),
        (["--pairs", photos, tmp_path], b"has no picture of the same name"),
        (["--noisy-only", photos, "--compile"], b"--compile is for long trainings"),
        (["--clean", photos, "--loss", "l3"], b"no loss 'l3'; there are auto, l1, l2"),
        (["--clean", ""], b"an empty name"),
        (["--noisy-only", ""], b"an empty name"),
        (["--clean", photos, "--minutes", 3], b"go with --noisy-only"),
        (["--noisy-only", photos, "--gray"], b"name its recipe with --model"),
        (["--noisy-only", photos, "--minutes", "inf"], b"--minutes"),
        (["--clean", photos, "--seed", 10**22], b"--seed"),
        (["--clean", photos, "--from", "median"], b"a filter, which has no weights"),
    ):
        outcome = denoise_img("fit", *words_instead, "-o", tmp_path / "x.safetensors")
        assert outcome.returncode == 2
        assert complaint in outcome.stderr
    (tmp_path / "x.html").write_text("precious")
    outcome = denoise_img("fit", "--noisy-only", photos, "-o", tmp_path / "x.safetensors")
    assert outcome.returncode == 2
    assert b"x.html is there already" in outcome.stderr
    outcome = denoise_img("fit", "--clean", photos, "-o", "")
    assert outcome.returncode == 2
    assert b"an empty name" in outcome.stderr
    (photos / "broken.png").write_text("no picture")
    outcome = denoise_img(*words)
    assert outcome.returncode == 1
    assert b"broken.png is not a picture" in outcome.stderr
