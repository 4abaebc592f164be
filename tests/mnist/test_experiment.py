from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from denoise_cli.cli.mnist import app
from denoise_cli.denoisers.catalogue import card, load
from denoise_cli.mnist import data, experiment, trials
from denoise_cli.mnist.account import tables
from denoise_cli.mnist.data import Digits
from denoise_cli.mnist.objective import as_float
from denoise_cli.mnist.trials import CLIPPED, FULL, QUICK, UNCLIPPED, Plan

DIGITS = Path(__file__).parents[1] / "data" / "digits.npz"
STEPS = 150


@pytest.fixture(scope="module")
def digits() -> Digits:
    """3,000 of MNIST's, for what would take hours with all."""
    pixels = np.load(DIGITS)["digits"]
    return Digits(pixels[:2000], pixels[2000:2200], pixels[2200:])


@pytest.fixture(scope="module")
def plan() -> Plan:
    short = [tuple(replace(trial, steps=STEPS) for trial in trials) for trials in (QUICK.supervised, QUICK.noise2noise)]
    return Plan(*short, digits=2000)


@pytest.fixture(scope="module")
def folder(plan: Plan, digits: Digits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `denoise-img mnist --quick` writes, by fewer digits and steps."""
    folder = tmp_path_factory.mktemp("mnist")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "digits", lambda folder: digits)
        patch.setattr(trials, "QUICK", plan)
        app(["--quick", "-o", str(folder), "-q"], standalone_mode=False)
    return folder


@pytest.fixture(scope="module")
def errors(folder: Path) -> dict[str, float]:
    return dict(json.loads((folder / "results.json").read_text()))


def test_the_networks_take_noise_out(errors: dict[str, float], digits: Digits) -> None:
    noisy = CLIPPED.on(digits.test, np.random.default_rng(0))
    before = float((noisy - as_float(digits.test)).square().mean())
    assert errors["quick-mnist-dncnn"] < before / 4


def test_clipped_noise_misleads_squared_errors_but_not_absolute_ones(errors: dict[str, float], plan: Plan) -> None:
    a, b, c = (errors[trial.name] for trial in plan.noise2noise)
    assert c < a / 2
    assert b < a / 2


def test_tables_pictures_and_weights_are_written(folder: Path, errors: dict[str, float], digits: Digits) -> None:
    assert f"| DnCNN | {STEPS} | {errors['quick-mnist-dncnn']:.5f} |  |" in (folder / "tables.md").read_text()
    for name in ("digits.png", "histograms.png"):
        assert min(Image.open(folder / name).size) > 200
    psnr = card(str(folder / "quick-mnist-dncnn.safetensors")).psnr["MNIST"]["127.5"]
    assert psnr == pytest.approx(-10 * np.log10(errors["quick-mnist-dncnn"]), abs=0.01)
    noisy = CLIPPED.on(digits.test[:1], np.random.default_rng(0))[0].permute(1, 2, 0).numpy()
    assert load(folder / "quick-mnist-dncnn.safetensors", device="cpu")(noisy).shape == (28, 28, 1)


def test_what_is_done_is_not_done_again(
    folder: Path, errors: dict[str, float], plan: Plan, digits: Digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experiment, "fit", None)
    assert experiment.run(plan, digits, folder) == errors


def test_other_noise_is_a_table_of_its_own() -> None:
    errors = {trial.name: 0.01 for trial in FULL.trials}
    assert "| speckle, 0.5 | 0.0100 / 0.0100 | 0.0100 / 0.0100 |" in tables(FULL, errors, digits=10_000, noisy=0.1)


def test_unclipped_noise_has_no_bounds() -> None:
    digits = np.full((4, 28, 28), 255, np.uint8)
    clipped, unclipped = (noise.on(digits, np.random.default_rng(0)) for noise in (CLIPPED, UNCLIPPED))
    assert clipped.max() == 1
    assert float(unclipped.std()) == pytest.approx(0.5, rel=0.05)
    assert float(unclipped.mean()) == pytest.approx(1, abs=0.05)


def test_the_full_plan_is_the_articles() -> None:
    assert [trial.article for trial in FULL.supervised] == [0.01171, 0.00991, 0.00943, 0.00873]
    assert {trial.steps for trial in FULL.supervised} == {3906}
    assert [trial.article for trial in FULL.noise2noise if trial.architecture == "win5rb"] == [0.0425]
    assert all(trial.recipe.batch == 128 for trial in FULL.trials)
    assert len({trial.name for trial in FULL.trials}) == len(FULL.trials) == 8 + 3 * 2 * 2
