"""`denoise-img models`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.runs import denoise_img


def test_models_lists_and_shows_cards(toy_weights: Path) -> None:
    table = denoise_img("models").stdout.decode()
    assert "median" in table
    card = denoise_img("models", toy_weights).stdout.decode()
    assert "dncnn" in card
    facts = json.loads(denoise_img("models", toy_weights, "--json").stdout)
    assert facts[0]["architecture"] == "dncnn"
    unknown = denoise_img("models", "nothing")
    assert unknown.returncode == 2
    median = denoise_img("models", "median", "-q").stdout.decode()
    assert [line.split()[0] for line in median.splitlines()] == ["name", "family", "summary", "level"]


def test_models_measures_speed_when_asked(toy_weights: Path) -> None:
    plain, timed = (
        json.loads(denoise_img("models", toy_weights, "--json", *more).stdout)[0] for more in ([], ["--speed"])
    )
    assert timed.pop("megapixels_per_second") > 0
    assert plain == timed
    assert b"megapixels a second here" in denoise_img("models", toy_weights, "--speed").stdout
