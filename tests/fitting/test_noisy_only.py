from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from denoise_cli.denoisers import weights
from denoise_cli.denoisers.catalogue import load
from denoise_cli.errors import FitError, UsageError
from denoise_cli.fitting.clean import fit_clean
from denoise_cli.fitting.findings import Wish, look
from denoise_cli.fitting.job import Job
from denoise_cli.fitting.material import _of_singles, material
from denoise_cli.fitting.noisy_only import AS_IT_IS, CURVE, NOISY, PROFILE, TRAINED, fit_noisy_only
from denoise_cli.fitting.recipe import Recipe
from tests.conftest import toy_card, toy_network
from tests.fitting.shots import SCRATCH, clean, gain, shot, singles


def test_what_is_found_is_said_in_a_few_lines(folder: Path) -> None:
    findings = look(folder, Wish())
    assert findings.facts.sigma == pytest.approx(25.5, rel=0.15)
    first, second = findings.account()
    assert first.startswith("found 5 scenes of 3 frames; noise of sigma 2")
    assert "Noise2Noise" in second
    assert "Neighbor2Neighbor" in look(singles(folder), Wish()).account()[1]


def test_a_network_learns_from_scenes_taken_more_than_once(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "mine.safetensors"
    card, outcome = fit_noisy_only(folder, SCRATCH, Job(output), Wish())
    assert "15 noisy pictures of the folder pictures" in card.training
    assert outcome.chosen == TRAINED
    assert outcome.lines[0].startswith("against the scenes themselves")
    assert outcome.lines[1].startswith("taken away: sigma 2")
    assert gain(output) > 3
    figures = dict(outcome.tried)
    assert figures[NOISY] == pytest.approx(20, abs=0.5)
    assert figures[TRAINED] == pytest.approx(20 + gain(output), abs=2.5)
    assert all(noisy.shape == clean.shape == (32, 32, 3) for noisy, clean in outcome.examples)


def test_a_network_learns_from_single_shots(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "mine.safetensors"
    _, outcome = fit_noisy_only(singles(folder), SCRATCH, Job(output), Wish())
    assert "by Stein's estimate" in outcome.lines[0]
    assert gain(output) > 2
    figures = dict(outcome.tried)
    assert figures[TRAINED] - figures[NOISY] == pytest.approx(gain(output), abs=2.5)


def test_a_network_that_is_told_the_level_gets_the_profile(folder: Path, tmp_path: Path) -> None:
    start, output = tmp_path / "start.safetensors", tmp_path / "mine.safetensors"
    weights.write(start, toy_card("unet"), toy_network("unet").state_dict())
    recipe = Recipe("unet", toy_card("unet").arguments, steps=20, batch=2, patch=64, learning_rate=1e-3, warmup=2)
    card, outcome = fit_noisy_only(folder, recipe, Job(output, start=start), Wish(keep_anyway=True))
    assert [name for name, _ in outcome.tried] == [NOISY, AS_IT_IS, PROFILE, TRAINED]
    assert card.architecture == "profiled"
    assert len(card.arguments["levels"]) == 33
    assert load(str(output), device="cpu")(shot(9, 0)).shape == (280, 300, 3)


def test_noise_that_differs_is_measured_in_each_picture(tmp_path: Path) -> None:
    pictures, start = tmp_path / "pictures", tmp_path / "start.safetensors"
    pictures.mkdir()
    for scene in range(6):
        grain = np.random.default_rng(scene).normal(0, 0.04 if scene % 2 else 0.12, (280, 300, 3))
        Image.fromarray(((clean(scene) + grain) * 255).round().clip(0, 255).astype(np.uint8)).save(
            pictures / f"{scene}.png"
        )
    weights.write(start, toy_card("unet"), toy_network("unet").state_dict())
    recipe = Recipe("unet", toy_card("unet").arguments, steps=5, batch=2, patch=64, learning_rate=1e-3, warmup=2)
    said: list[str] = []
    job, wish = Job(tmp_path / "mine.safetensors", start=start), Wish(keep_anyway=True)
    card, outcome = fit_noisy_only(pictures, recipe, job, wish, tell=said.append)
    assert said[1] == "it differs from picture to picture, so it is measured in each"
    assert [name for name, _ in outcome.tried] == [NOISY, AS_IT_IS, TRAINED]
    assert card.architecture == "unet"
    with pytest.raises(UsageError, match="same noise, and here that differs"):
        fit_noisy_only(pictures, recipe, job, Wish(method="profile"))


def test_impulses_are_found_and_learnt_at_a_higher_rate(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for scene in range(8):
        for frame in range(2):
            coarse = np.random.default_rng(scene).integers(60, 200, (40, 40, 3)).astype(np.uint8)
            pixels = np.asarray(Image.fromarray(coarse).resize((300, 280), Image.Resampling.BICUBIC))
            struck = np.random.default_rng(10 * scene + frame).random((280, 300, 1)) < 0.2
            ends = 255 * np.random.default_rng(frame).integers(0, 2, pixels.shape).astype(np.uint8)
            noisy = np.where(struck, ends, pixels)
            Image.fromarray(noisy).save(pictures / f"{scene}-{frame}.png")
    said: list[str] = []
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    fit_noisy_only(pictures, replace(SCRATCH, steps=5), Job(first), Wish(keep_anyway=True), tell=said.append)
    assert "of the pixels struck black or white" in said[0]
    assert "by absolute differences, as pixels are struck" in said[2]
    job = Job(second, start=first)
    card, _ = fit_noisy_only(pictures, replace(SCRATCH, steps=1), job, Wish(keep_anyway=True))
    assert card.recipe["learning_rate"] == 5 * SCRATCH.learning_rate  # what was learnt before may be of no use
    said_so = Wish(keep_anyway=True, given=frozenset({"learning_rate"}))
    card, _ = fit_noisy_only(
        pictures, replace(SCRATCH, steps=1), replace(job, output=tmp_path / "x.safetensors"), said_so
    )
    assert card.recipe["learning_rate"] == SCRATCH.learning_rate


def test_what_does_not_help_is_not_written(folder: Path, tmp_path: Path) -> None:
    start, output = tmp_path / "start.safetensors", tmp_path / "mine.safetensors"
    fit_noisy_only(folder, SCRATCH, Job(start), Wish())
    worse = Recipe("dncnn", SCRATCH.arguments, steps=1, batch=1, patch=32, learning_rate=0.5, warmup=1, ema=0.0)
    checkpoint = tmp_path / "mine.checkpoint"
    with pytest.raises(FitError, match=r"start as it is does as well .* --keep-anyway would"):
        fit_noisy_only(folder, worse, Job(output, start=start, checkpoint=checkpoint), Wish())
    assert not output.exists()
    assert not checkpoint.exists()  # there is nothing to go on with
    fit_noisy_only(folder, worse, Job(output, start=start), Wish(keep_anyway=True))
    assert output.exists()


def test_wishes_are_heeded(folder: Path, tmp_path: Path) -> None:
    assert "Neighbor2Neighbor" in look(folder, Wish(method="neighbors")).account()[1]
    assert look(folder, Wish(loss="l1")).squared is False
    output = tmp_path / "mine.safetensors"
    with pytest.raises(UsageError, match="is for a network that is told the level"):
        fit_noisy_only(folder, SCRATCH, Job(output), Wish(method="profile"))
    with pytest.raises(UsageError, match="n2n has nothing to learn from"):
        look(singles(folder), Wish(method="n2n"))
    with pytest.raises(UsageError, match="no method 'magic'"):
        Wish(method="magic")


def test_a_curve_is_learnt_around_a_network_that_stays(folder: Path, tmp_path: Path) -> None:
    start, output = tmp_path / "start.safetensors", tmp_path / "mine.safetensors"
    weights.write(start, toy_card("unet"), toy_network("unet").state_dict())
    recipe = Recipe("unet", toy_card("unet").arguments, steps=20, batch=2, patch=64, learning_rate=1e-3, warmup=2)
    said: list[str] = []
    wish = Wish(method="vst", keep_anyway=True)
    card, outcome = fit_noisy_only(singles(folder), recipe, Job(output, start=start), wish, tell=said.append)
    assert "learning a curve" in said[1]
    assert [name for name, _ in outcome.tried] == [NOISY, AS_IT_IS, PROFILE, CURVE]
    before, after = (weights.read_tensors(path, weights.read_card(path)) for path in (start, output))
    assert all(torch.equal(after[f"base.{name}"], before[name]) for name in before if not name.startswith("level."))
    assert card.recipe["steps"] == (4 if outcome.chosen == CURVE else 20)


def test_what_is_worse_than_the_noisy_pictures_is_not_written(tmp_path: Path) -> None:
    pictures, output = tmp_path / "flat", tmp_path / "mine.safetensors"
    pictures.mkdir()
    for shade in (90, 140):
        Image.new("RGB", (300, 280), (shade, 80, 70)).save(pictures / f"{shade}.png")
    with pytest.raises(FitError, match="leaving the pictures as they are does as well"):
        fit_noisy_only(pictures, replace(SCRATCH, steps=2), Job(output), Wish())
    assert not output.exists()


def test_frames_too_small_for_large_parts_are_cut_into_smaller_ones(tmp_path: Path) -> None:
    """Of 500 x 500 pixels there is one part of 256 and nine of 128; a scene that is smaller is left out."""
    for side in (500, 120):
        coarse = np.asarray(Image.fromarray((clean(side) * 255).astype(np.uint8)).resize((side, side)))
        for frame in range(2):
            noisy = coarse + np.random.default_rng(frame).normal(0, 10, coarse.shape)
            Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(tmp_path / f"{side}-{frame}.png")
    findings = look(tmp_path, Wish())
    assert len(findings.found.scenes) == 2
    objective, used = material(findings, SCRATCH, torch.device("cpu"), lambda pixels: (0.0,))
    assert used == 2
    assert objective.scenes.patches(2, 128, torch.Generator()).shape == (4, 2, 3, 128, 128)


def test_a_gray_network_begins_with_one_in_colour(folder: Path, tmp_path: Path) -> None:
    start, output = tmp_path / "start.safetensors", tmp_path / "gray.safetensors"
    colour = Recipe("cnn", {"channels": 3, "filters": 8, "layers": 3}, steps=1, batch=1, patch=32)
    fit_clean(singles(folder), colour, Job(start))
    gray = replace(colour, arguments={**colour.arguments, "channels": 1}, only="level")
    card, outcome = fit_noisy_only(folder, gray, Job(output, start=start), Wish(keep_anyway=True))
    assert card.channels == 1
    assert [name for name, _ in outcome.tried] == [NOISY, AS_IT_IS, TRAINED]


def test_a_noise_profile_makes_its_folder(folder: Path, tmp_path: Path) -> None:
    start, output = tmp_path / "start.safetensors", tmp_path / "new" / "mine.safetensors"
    weights.write(start, toy_card("unet"), toy_network("unet").state_dict())
    recipe = Recipe("unet", toy_card("unet").arguments, patch=64)
    fit_noisy_only(folder, recipe, Job(output, start=start), Wish(method="profile", keep_anyway=True))
    assert output.exists()


def test_single_shots_beside_scenes_and_the_name_of_a_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "1-0.png").unlink()
    (folder / "2-0.png").unlink()
    monkeypatch.chdir(folder)
    job = Job(tmp_path / "x.safetensors")
    card, _ = fit_noisy_only(Path(), replace(SCRATCH, steps=1), job, Wish(keep_anyway=True))
    assert card.training.startswith("12 noisy pictures of the folder pictures: ")
    assert card.summary.endswith("the folder pictures")


def test_frames_of_a_scene_are_held_out_by_place(folder: Path) -> None:
    """Where each is taken for a single shot, too: what is judged by is in no frame that is learnt from."""
    findings = look(folder, Wish(method="neighbors"))
    pieces = list(_of_singles(findings, SCRATCH, 3, lambda pixels: (0.0,), 128))
    assert len(pieces) == 5 * 4
    for frames, cell in pieces:
        assert len(frames) == len(cell) == 3
        first, *others = (gaussian_filter(shown[0], (4, 4, 0)) for shown in cell)
        assert max(float(np.abs(first - other).mean()) for other in others) < 0.02
