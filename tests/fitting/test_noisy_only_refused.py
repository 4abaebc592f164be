"""What `fit_noisy_only` cannot learn from, or start from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from denoise_cli.denoisers import weights
from denoise_cli.errors import PictureError, UsageError, WeightsError
from denoise_cli.fitting import noisy_only
from denoise_cli.fitting.clean import fit_clean
from denoise_cli.fitting.findings import Wish
from denoise_cli.fitting.job import Job
from denoise_cli.fitting.noisy_only import fit_noisy_only
from denoise_cli.fitting.recipe import Recipe
from denoise_cli.fitting.recipes import noisy_recipe
from tests.conftest import toy_card, toy_network
from tests.fitting.shots import SCRATCH, shot, singles


def test_too_little_to_learn_from_is_told(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((60, 60, 3), np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(UsageError, match="too small to learn from"):
        fit_noisy_only(tmp_path, SCRATCH, Job(tmp_path / "x.safetensors"), Wish())


def test_scenes_that_were_exposed_differently_are_not_called_too_small(tmp_path: Path) -> None:
    for scene in range(2):
        for frame, light in enumerate((1.0, 0.6)):
            pixels = (shot(scene, frame) * light * 255).round().clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / f"{scene}-{frame}.png")
    with pytest.raises(UsageError, match="they are exposed differently, or show something else; --method neighbors"):
        fit_noisy_only(tmp_path, SCRATCH, Job(tmp_path / "x.safetensors"), Wish())


def test_pictures_of_other_channels_are_named(tmp_path: Path) -> None:
    for number in range(2):
        pixels = np.random.default_rng(number).integers(0, 256, (300, 300, 4), np.uint8)
        Image.fromarray(pixels, "CMYK").save(tmp_path / f"{number}.tif")
    with pytest.raises(PictureError, match=r"0\.tif has 4 channels, and the network is for 3"):
        fit_noisy_only(tmp_path, SCRATCH, Job(tmp_path / "x.safetensors"), Wish())


def test_patches_that_cannot_be_sub_sampled_are_told(folder: Path, tmp_path: Path) -> None:
    recipe = Recipe("cae", {"channels": 3, "filters": 8}, steps=1, patch=36)
    with pytest.raises(UsageError, match="--patch is a multiple of 8 pixels, not 36"):
        fit_noisy_only(singles(folder), recipe, Job(tmp_path / "x.safetensors"), Wish())


def test_a_checkpoint_belongs_to_its_pictures(folder: Path, tmp_path: Path) -> None:
    checkpoint, others = tmp_path / "mine.checkpoint", tmp_path / "others"
    job = Job(tmp_path / "mine.safetensors", checkpoint=checkpoint)
    short = replace(SCRATCH, steps=2)
    fit_noisy_only(folder, short, job, Wish(keep_anyway=True))
    assert checkpoint.exists()
    others.mkdir()
    for path in sorted(folder.iterdir())[1:]:
        path.rename(others / path.name)
    with pytest.raises(UsageError, match="a training on other pictures"):
        fit_noisy_only(others, short, job, Wish(keep_anyway=True))


def test_a_checkpoint_belongs_to_its_method_time_and_network(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noisy_only, "FEWEST_STEPS", 2)
    job = Job(tmp_path / "mine.safetensors", checkpoint=tmp_path / "mine.checkpoint")
    short, begun = replace(SCRATCH, steps=2), Wish(minutes=1e-9, keep_anyway=True)
    fit_noisy_only(singles(folder), short, job, begun)
    fit_noisy_only(folder, short, job, begun)
    for recipe, wish, complaint in (
        (short, replace(begun, minutes=2.0), "by another method or time"),
        (short, replace(begun, method="neighbors"), "by another method or time"),
        (short, replace(begun, method="profile"), "and profile trains nothing"),
        (replace(short, steps=3), replace(begun, minutes=None), "another recipe"),
        (replace(short, architecture="cnn", arguments={"channels": 3}), begun, "another recipe"),
    ):
        with pytest.raises(UsageError, match=complaint):
            fit_noisy_only(folder, recipe, job, wish)


def test_a_start_that_does_not_go_with_the_recipe_is_refused(folder: Path, tmp_path: Path) -> None:
    start, job = tmp_path / "start.safetensors", Job(tmp_path / "x.safetensors")
    weights.write(start, toy_card("unet"), toy_network("unet").state_dict())
    gray = Recipe("unet", {**toy_card("unet").arguments, "channels": 1}, patch=64)
    for recipe in (SCRATCH, gray):
        with pytest.raises(UsageError, match="not what is to be trained"):
            fit_noisy_only(folder, recipe, replace(job, start=start), Wish())
    plain = {name: value for name, value in toy_card("unet").arguments.items() if name != "estimates"}
    fit_clean(folder, Recipe("unet", plain, steps=1, batch=1, patch=16), Job(start))
    judging = Recipe("unet", {**plain, "estimates": True}, steps=1, patch=64)
    with pytest.raises(UsageError, match="does not judge how strong noise is"):
        fit_noisy_only(folder, judging, replace(job, start=start), Wish())


def test_a_start_that_describes_no_network_is_told_and_takes_no_memory(folder: Path, tmp_path: Path) -> None:
    start = tmp_path / "start.safetensors"
    huge = {"channels": 3, "filters": 4096, "layers": 20}  # 0.6 GB a layer
    for facts, why in (
        ({"architecture": "foo"}, "describes no network: unknown architecture 'foo'"),
        ({"arguments": huge}, "lacks the tensor"),
    ):
        card = replace(toy_card("dncnn"), **facts)
        weights.write(start, card, toy_network("dncnn").state_dict())
        with pytest.raises(WeightsError, match=why):
            fit_noisy_only(folder, noisy_recipe(card), Job(tmp_path / "x.safetensors", start=start), Wish())


def test_a_checkpoint_belongs_to_its_loss(folder: Path, tmp_path: Path) -> None:
    job = Job(tmp_path / "mine.safetensors", checkpoint=tmp_path / "mine.checkpoint")
    fit_noisy_only(folder, replace(SCRATCH, steps=2), job, Wish(keep_anyway=True))
    with pytest.raises(UsageError, match="from another start or loss"):
        fit_noisy_only(folder, replace(SCRATCH, steps=2), job, Wish(loss="l1", keep_anyway=True))
