"""`denoise-img bench`."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

from tests.cli.runs import denoise_img


def test_bench_measures_and_records(photos: Path, toy_weights: Path, tmp_path: Path) -> None:
    weights = tmp_path / "toy.safetensors"
    weights.write_bytes(toy_weights.read_bytes())
    outcome = denoise_img("bench", photos / "sub", "-m", weights, "-m", "median", "--sigma", 25, "--record", "--json")
    rows = json.loads(outcome.stdout)
    assert [row["model"] for row in rows] == ["noisy", str(weights), "median"]
    card = json.loads(denoise_img("models", weights, "--json").stdout)[0]
    assert card["psnr"] == {"sub": {"25": round(rows[1]["psnr"], 2)}}


def test_what_would_measure_something_else_is_refused(photos: Path, tmp_path: Path) -> None:
    picture = next((photos / "sub").iterdir())
    Image.open(picture).convert("L").save(tmp_path / "gray.png")
    for words, why in (
        (("--pairs", picture, picture, "--sigma", 20), "--pairs have theirs already"),
        ((tmp_path, "-m", "cnn", "--record"), "has gray pictures, for which cnn has other weights: cnn-gray"),
        ((picture, "-m", "openvino:median"), "median is no network"),
    ):
        outcome = denoise_img("bench", *words)
        assert outcome.returncode == 2
        assert why in outcome.stderr.decode()
