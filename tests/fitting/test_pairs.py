from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from denoise_cli.denoisers import weights
from denoise_cli.denoisers.catalogue import load
from denoise_cli.errors import PictureError, UsageError
from denoise_cli.fitting import scenes
from denoise_cli.fitting.job import Job
from denoise_cli.fitting.pairs import fit_pairs
from denoise_cli.fitting.recipe import Recipe
from denoise_cli.fitting.scenes import Scenes
from denoise_cli.measure.quality import psnr
from tests.conftest import toy_card, toy_network

CPU = torch.device("cpu")
SMALL = Recipe("dncnn", {"channels": 3, "filters": 8, "layers": 4}, steps=200, batch=4, patch=24, learning_rate=3e-3,
               warmup=5, ema=0.9)  # fmt: skip


def shot(scene: int, noise: int | None = None) -> np.ndarray:
    """A smooth random colour picture, uint8, with or without noise."""
    coarse = np.random.default_rng(scene).integers(60, 200, (6, 6, 3)).astype(np.uint8)
    clean = np.asarray(Image.fromarray(coarse).resize((120, 120), Image.Resampling.BICUBIC))
    if noise is None:
        return clean
    grain = np.random.default_rng(1000 * noise + scene).normal(0, 20, clean.shape)
    return (clean + grain).round().clip(0, 255).astype(np.uint8)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    noisy, clean = tmp_path / "noisy", tmp_path / "clean"
    for folder in (noisy, clean):
        folder.mkdir()
    for scene in range(4):
        Image.fromarray(shot(scene, noise=1)).save(noisy / f"{scene}.png")
        Image.fromarray(shot(scene)).save(clean / f"{scene}.png")
    return noisy, clean


def test_a_network_learns_the_noise_of_pairs(folders: tuple[Path, Path], tmp_path: Path) -> None:
    output = tmp_path / "mine.safetensors"
    card = fit_pairs(*folders, SMALL, Job(output))
    assert card.training == "4 pairs of the folders noisy and clean, 1 of them held out"
    assert card.noise == "of real pairs"
    noisy, clean = (picture.astype(np.float32) / 255 for picture in (shot(9, noise=1), shot(9)))
    assert psnr(load(str(output), device="cpu")(noisy), clean) > psnr(noisy, clean) + 2


def test_all_of_a_network_learns_from_pairs(folders: tuple[Path, Path], tmp_path: Path) -> None:
    start, output = tmp_path / "start.safetensors", tmp_path / "mine.safetensors"
    weights.write(start, toy_card("unet"), toy_network("unet").state_dict())
    recipe = Recipe("unet", toy_card("unet").arguments, steps=2, batch=2, patch=32, warmup=1, ema=0.0, only="level")
    fit_pairs(*folders, recipe, Job(output, start=start))
    before, after = (weights.read_tensors(path, weights.read_card(path)) for path in (start, output))
    assert not torch.equal(before["scales.head.weight"], after["scales.head.weight"])
    assert not torch.equal(before["level.body.0.weight"], after["level.body.0.weight"])


def test_a_first_pair_that_is_small_is_not_held_out(folders: tuple[Path, Path], tmp_path: Path) -> None:
    for folder in folders:
        Image.fromarray(shot(0)[:40, :40]).save(folder / "0.png")
    card = fit_pairs(*folders, replace(SMALL, steps=1, patch=48), Job(tmp_path / "x.safetensors"))
    assert card.training == "3 pairs of the folders noisy and clean, 1 of them held out"


def test_pictures_that_make_no_pairs_are_named(folders: tuple[Path, Path], tmp_path: Path) -> None:
    job = Job(tmp_path / "x.safetensors")
    Image.fromarray(shot(1)[:50]).save(folders[0] / "1.png")
    with pytest.raises(PictureError, match=r"1.png is 120 x 50"):
        fit_pairs(*folders, SMALL, job)
    with pytest.raises(UsageError, match="single pair"):
        fit_pairs(folders[0] / "0.png", folders[1] / "0.png", SMALL, job)


def test_patches_are_of_both_frames_at_the_same_place() -> None:
    frames = np.random.default_rng(0).random((40, 50, 3), np.float32)
    source = Scenes([(frames, frames + 1)], expected=1, device=CPU, seed=0, smallest=16)
    first, second = source.patches(8, 16, torch.Generator().manual_seed(0))
    assert torch.allclose(first + 1, second)
    assert len({round(float(patch.sum()), 3) for patch in first}) == 8


def test_of_large_scenes_only_crops_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    large = np.random.default_rng(0).random((300, 300, 3), np.float32)
    monkeypatch.setattr(scenes, "MEMORY", 2 * 300 * 300 * 3 * 4)
    monkeypatch.setattr(scenes, "CROP", 64)
    kept = Scenes([(large, large)] * 2, expected=2, device=CPU, seed=0, smallest=16)._pictures
    assert 0.7 * scenes.MEMORY < 4 * kept._samples.numel() <= scenes.MEMORY
    assert {(*kept._planes, place.height, place.width) for place in kept._places} == {(2, 3, 64, 64)}
    with pytest.raises(UsageError, match="none of the pictures"):
        Scenes([(large, large)], expected=1, device=CPU, seed=0, smallest=301)


@pytest.mark.parametrize("mark", [np.nan, -3.4e38])
def test_samples_that_are_no_numbers_are_passed_over(mark: float, tmp_path: Path) -> None:
    noisy, clean = tmp_path / "float-noisy", tmp_path / "float-clean"
    for place in (noisy, clean):
        place.mkdir()
        for scene in range(2):
            samples = shot(scene).astype(np.float32) / 255
            if place == noisy:
                samples[::8, ::8] = mark
            tifffile.imwrite(place / f"{scene}.tif", samples, photometric="rgb")
    output = tmp_path / "mine.safetensors"
    fit_pairs(noisy, clean, replace(SMALL, steps=2, batch=16), Job(output))
    assert np.isfinite(load(str(output), device="cpu")(shot(9).astype(np.float32) / 255)).all()
