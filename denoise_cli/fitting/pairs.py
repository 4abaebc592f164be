"""`fit --pairs`: from noisy pictures and clean ones of the same scenes to a weights file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from denoise_cli.denoisers.card import Card
from denoise_cli.errors import PictureError, UsageError
from denoise_cli.fitting import distributed
from denoise_cli.fitting.channels import of_channels
from denoise_cli.fitting.forward import jitter
from denoise_cli.fitting.job import Job, fit, held_out, last_name
from denoise_cli.fitting.noisy import NoisyPatches
from denoise_cli.fitting.objective import HELD_OUT_PATCHES, HELD_OUT_SIDE, mean_psnr, training_loss
from denoise_cli.fitting.recipe import Recipe
from denoise_cli.fitting.scenes import Scenes
from denoise_cli.images.hidden import filled
from denoise_cli.images.image import LARGEST_LIGHT, Pixels
from denoise_cli.measure.sets import paired_set, read_pair
from denoise_cli.networks.blocks import Network
from denoise_cli.noise.camera import strength

# One in so many pairs is not trained on, the first by name that is large enough; it measures progress. That is a larger
# share than of clean photos (`clean.HELD_OUT`), as sets of pairs are smaller.
HELD_OUT = 20


@dataclass(frozen=True)
class RealPairs:
    """Patches of noisy pictures and of clean ones; `squared`: the mean square as the loss, not that of absolute errors.

    A network that is told the level is told that of the difference, not quite exactly.
    """

    pairs: Scenes
    held_out: Scenes
    batch: int
    patch: int
    squared: bool = False

    def loss(self, network: Network, random: torch.Generator) -> torch.Tensor:
        patches = _patches(self.pairs, self.batch, self.patch, random)
        return training_loss(network, patches, squared=self.squared)

    def psnr(self, network: Network) -> float:
        patches = _patches(self.held_out, HELD_OUT_PATCHES, HELD_OUT_SIDE, torch.Generator().manual_seed(0))
        return mean_psnr(network, replace(patches, told=patches.sigma))


def fit_pairs(noisy: Path, clean: Path, recipe: Recipe, job: Job) -> Card:
    """Trains by a recipe on the pictures of two folders that have the same names; gives the weights file's card.

    Raises UsageError where they do not go together, PictureError for one that cannot be read, WeightsError for a start
    that cannot.
    """
    channels = int(recipe.arguments.get("channels", 3))
    both = paired_set(str(noisy), str(clean), job.white)
    pairs = list(zip(both.noisy, both.clean, strict=True))
    if len(pairs) < 2:
        raise UsageError(f"{noisy} and {clean} are a single pair; it takes two, as one is held out to measure progress")

    def scenes(chosen: Sequence[tuple[Path, Path]], device: torch.device, smallest: int, what: str) -> Scenes:
        read = _read(chosen, channels, job.white)
        return Scenes(read, expected=len(chosen), device=device, seed=recipe.seed, smallest=smallest, what=what)

    def objective(device: torch.device) -> RealPairs:
        apart, rest = held_out(pairs, HELD_OUT, large_enough)
        return RealPairs(
            scenes(rest, device, recipe.patch, "the pairs"),
            scenes(apart, device, HELD_OUT_SIDE, "the pairs, one of which is held out to measure progress,"),
            batch=distributed.share(recipe.batch),
            patch=recipe.patch,
            squared=recipe.loss == "l2",
        )

    def large_enough(pair: tuple[Path, Path]) -> bool:
        return any(min(noisy.shape[:2]) >= HELD_OUT_SIDE for noisy, _ in _read([pair], channels, job.white))

    def account(aim: RealPairs) -> str:
        used = aim.pairs.count + aim.held_out.count
        folders = f"{last_name(noisy)} and {last_name(clean)}"
        return f"{used} pairs of the folders {folders}, {aim.held_out.count} of them held out"

    summary = job.summary or f"noise like that of the folder {last_name(noisy)}"
    # All of the network: pairs show what its recipe, which may train a part on simulated noise, cannot.
    recipe = replace(recipe, noise="of real pairs", only="")
    return fit(recipe, replace(job, summary=summary, files=(*both.noisy, *both.clean)), objective, account)


def _patches(scenes: Scenes, count: int, size: int, random: torch.Generator) -> NoisyPatches:
    noisy, clean = scenes.patches(count, size, random)
    sigma = strength(noisy - clean)
    return NoisyPatches(clean, noisy, sigma, sigma * jitter(len(sigma), random, sigma.device))


def _read(pairs: Sequence[tuple[Path, Path]], channels: int, white: float | None) -> Iterator[tuple[Pixels, Pixels]]:
    for noisy, clean in pairs:
        first, second = (of_channels(_numbers(pixels), channels) for pixels in read_pair(noisy, clean, white))
        if first.shape[2] != channels:
            raise PictureError(f"{noisy} has {first.shape[2]} channels, and the network is for {channels}")
        yield first, second


def _numbers(pixels: Pixels) -> Pixels:
    """With what is beside them in place of pixels that are no numbers."""
    none = np.asarray(~(np.abs(pixels) < LARGEST_LIGHT).all(axis=2), np.bool_)
    return filled(pixels, none) if none.any() else pixels
