"""From a folder of clean photos to a weights file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from denoise_cli.denoisers.catalogue import load
from denoise_cli.errors import FitError, UsageError
from denoise_cli.fitting import loop
from denoise_cli.fitting.clean import fit_clean, read_photos
from denoise_cli.fitting.job import Job, held_out, save
from denoise_cli.fitting.loop import Status
from denoise_cli.fitting.recipe import Recipe
from denoise_cli.networks import build
from tests.fitting.toys import SMALL, smooth


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(4):
        Image.fromarray(smooth(seed)).save(folder / f"{seed}.png")
    return folder


def test_from_a_folder_to_a_weights_file(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "CHECKPOINT_EVERY_SECONDS", 0.0)
    seen: list[Status] = []
    output = tmp_path / "mine.safetensors"
    card = fit_clean(photos, replace(SMALL, steps=5), Job(output, training="smooth", command="fit", report=seen.append))
    assert (card.name, card.training, card.command, card.radius) == ("mine", "smooth", "fit", 4)
    assert [status.step for status in seen] == [1, 2, 3, 4, 5]
    assert load(str(output), device="cpu").card == card


def test_held_out_is_the_first_of_each_row_that_is_large_enough() -> None:
    numbers = list(range(120))
    assert held_out(numbers, 50, lambda number: True)[0] == numbers[::50]
    apart, rest = held_out(numbers, 50, lambda number: 2 < number < 60)
    assert apart == [3, 50]
    assert sorted(apart + rest) == numbers


def test_a_first_picture_that_is_small_is_not_held_out(photos: Path, tmp_path: Path) -> None:
    Image.fromarray(smooth(0, side=40)).save(photos / "0.png")
    output = tmp_path / "x.safetensors"
    card = fit_clean(photos, replace(SMALL, steps=1, patch=48), Job(output))
    assert card.training == "3 pictures of the folder photos, 1 of them held out"
    for path in photos.iterdir():
        Image.fromarray(smooth(0, side=90)).save(path)
    with pytest.raises(UsageError, match="one of which is held out to measure progress, has 96 x 96"):
        fit_clean(photos, replace(SMALL, steps=1), Job(output))


def test_colours_under_transparency_are_not_learnt_from(tmp_path: Path) -> None:
    pixels = np.concatenate([smooth(0), np.full((120, 120, 1), 255, np.uint8)], axis=2)
    Image.fromarray(pixels).save(tmp_path / "opaque.png")
    pixels[:30] = 255, 0, 255, 0
    Image.fromarray(pixels).save(tmp_path / "transparent.png")
    opaque, transparent = read_photos([tmp_path / "opaque.png", tmp_path / "transparent.png"], 3)
    assert np.array_equal(opaque, smooth(0))
    assert np.array_equal(transparent[30:], opaque[30:])
    assert np.array_equal(transparent[22:30], np.repeat(opaque[30:31], 8, axis=0))
    assert not transparent[:22].any()


def test_gray_networks_learn_from_colour_photos(photos: Path, tmp_path: Path) -> None:
    gray = replace(SMALL, steps=2, gray=0.5, arguments={**SMALL.arguments, "channels": 1})
    assert fit_clean(photos, gray, Job(tmp_path / "gray.safetensors")).channels == 1


def test_a_gray_network_starts_from_one_in_colour(photos: Path, tmp_path: Path) -> None:
    """Without a step of training that changes anything, it denoises gray as the other does, but for its colours."""
    colour = Recipe("cnn", {"channels": 3, "filters": 8, "layers": 3}, steps=3, batch=2, patch=24)
    gray = replace(colour, arguments={**colour.arguments, "channels": 1}, steps=1, learning_rate=0.0)
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    fit_clean(photos, colour, Job(first))
    assert fit_clean(photos, gray, Job(second, start=first)).channels == 1
    pixels = np.random.default_rng(0).random((40, 40, 1), np.float32)
    three, one = (load(str(path), device="cpu", precision="fp32") for path in (first, second))
    assert np.abs(three(np.repeat(pixels, 3, axis=2)).mean(axis=2) - one(pixels)[..., 0]).max() < 1e-3


def test_the_full_network_starts_from_the_dilated_one(photos: Path, tmp_path: Path) -> None:
    """Without a step of training that changes anything, both denoise alike."""
    dilated = Recipe("win5rb", {"channels": 3, "filters": 4, "dilations": [1, 2, 3]}, steps=3, batch=2, patch=24)
    full = Recipe("win5rb", {"channels": 3, "filters": 4}, steps=1, batch=2, patch=24, learning_rate=0.0)
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    fit_clean(photos, dilated, Job(first))
    fit_clean(photos, replace(full, freeze_norms_after=0.0), Job(second, start=first))
    pixels = np.random.default_rng(0).random((40, 40, 3), np.float32)
    results = [load(str(path), device="cpu", precision="fp32")(pixels) for path in (first, second)]
    assert np.abs(results[0] - results[1]).max() < 1e-3
    with pytest.raises(UsageError, match="not what is to be trained"):
        fit_clean(photos, SMALL, Job(second, start=first))


def test_an_estimator_is_added_to_a_network_that_had_none(photos: Path, tmp_path: Path) -> None:
    plain = Recipe("unet", {"widths": [8, 12], "blocks": 1}, steps=1, batch=2, patch=24)
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    assert fit_clean(photos, plain, Job(first)).level == "given"
    judging = replace(plain, arguments={**plain.arguments, "estimates": True}, noise="gaussian:0-55+camera")
    card = fit_clean(photos, judging, Job(second, start=first))
    assert card.arguments["estimates"] is True
    assert load(str(second), device="cpu").estimate(np.random.default_rng(0).random((20, 20, 3), np.float32)) > 0


def test_noise_that_is_not_trained_on_is_refused(photos: Path, tmp_path: Path) -> None:
    output = tmp_path / "x.safetensors"
    with pytest.raises(UsageError, match="not trained on speckle"):
        fit_clean(photos, replace(SMALL, noise="speckle:5"), Job(output))
    with pytest.raises(UsageError, match="in colour"):
        fit_clean(photos, replace(SMALL, noise="camera", arguments={**SMALL.arguments, "channels": 1}), Job(output))


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder with pictures in it"):
        fit_clean(tmp_path, SMALL, Job(tmp_path / "x.safetensors"))


def test_weights_that_are_no_numbers_are_not_written(tmp_path: Path) -> None:
    network = build("dncnn", SMALL.arguments)
    next(network.parameters()).data.fill_(float("nan"))
    with pytest.raises(FitError, match="weights are no numbers"):
        save(network, SMALL, Job(tmp_path / "x.safetensors"))
    assert not list(tmp_path.iterdir())


def test_hidden_folders_are_not_learnt_from(tmp_path: Path) -> None:
    (tmp_path / ".trash").mkdir()
    (tmp_path / ".trash" / "x.png").write_text("no picture")
    for number in range(2):
        Image.new("RGB", (100, 120), (9, 9, 50 * number)).save(tmp_path / f"{number}.png")
    card = fit_clean(tmp_path, replace(SMALL, steps=1), Job(tmp_path / "x.safetensors"))
    assert card.training.startswith("2 pictures")
