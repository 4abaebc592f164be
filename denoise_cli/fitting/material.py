"""What a folder's noisy pictures give to learn from: places of scenes, or cells of single shots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import torch

from denoise_cli.errors import PictureError, UsageError
from denoise_cli.fitting import together
from denoise_cli.fitting.bursts import MOST, witnesses
from denoise_cli.fitting.channels import of_channels
from denoise_cli.fitting.findings import Findings
from denoise_cli.fitting.noise2noise import Neighbor2Neighbor, Noise2Noise
from denoise_cli.fitting.recipe import Recipe
from denoise_cli.fitting.scenes import CROP, MEMORY, Scenes
from denoise_cli.fitting.survey import frames_of
from denoise_cli.images.image import Pixels

HELD_OUT = 5  # every fifth place or picture is not trained on
SIDES = (256, 128)  # pixels of what is cut from pictures, the first that they have room for
STRIDES = {1: 1, 2: 2}  # of sub-sampling, by the grain's width; 4 for wider ones


def material(findings: Findings, recipe: Recipe, device: torch.device) -> Noise2Noise | Neighbor2Neighbor:
    """Pictures to train on and, apart from them, pictures to judge by.

    Raises UsageError for a folder without enough of them, PictureError for one that cannot be read.
    """
    channels = int(recipe.arguments.get("channels", 3))
    cells = list(
        _of_scenes(findings, recipe, channels) if findings.from_scenes else _of_singles(findings, recipe, channels)
    )
    if len(cells) < HELD_OUT:
        raise UsageError(
            f"the pictures are too small to learn from: it takes {HELD_OUT} parts of {SIDES[-1]} pixels a side"
        )
    held_out, rest = cells[::HELD_OUT], [cell for number, cell in enumerate(cells) if number % HELD_OUT]

    def source(cells: Sequence[Sequence[Sequence[Pixels]]]) -> Scenes:
        frames = [frames for cell in cells for frames in cell]
        return Scenes(frames, count=len(frames), device=device, seed=recipe.seed, smallest=recipe.patch)

    common = (source(rest), source(held_out), together.share(recipe.batch), recipe.patch, device)
    if findings.from_scenes:
        return Noise2Noise(*common, squared=findings.squared)
    stride = STRIDES.get(findings.facts.grain, 4)
    facts = findings.facts if findings.facts.curve and not findings.facts.struck else None
    return Neighbor2Neighbor(*common, stride=stride, squared=findings.squared, facts=facts)


def _of_scenes(findings: Findings, recipe: Recipe, channels: int) -> Iterator[list[Sequence[Pixels]]]:
    """Place by place: each frame there with its witnesses."""
    scenes = findings.found.scenes
    frames = sum(min(len(scene), MOST) for scene in scenes)
    random = np.random.default_rng(recipe.seed)
    crops = max(HELD_OUT, MEMORY // 2 // (frames * 3 * 4 * channels * CROP**2))
    for scene in scenes:
        for side in SIDES:
            try:
                for triples in witnesses(scene, crops=crops, side=side, random=random, median=not findings.squared):
                    yield [[of_channels(pixels, channels) for pixels in triple] for triple in triples]
                break
            except PictureError:
                if side == SIDES[-1]:
                    raise


def _of_singles(findings: Findings, recipe: Recipe, channels: int) -> Iterator[list[Sequence[Pixels]]]:
    """Cell by cell: what is there, as a scene of one frame. Of many large pictures some cells, at random."""
    singles = findings.found.frames
    random = np.random.default_rng(recipe.seed)
    most = max(HELD_OUT, MEMORY // 2 // (len(singles) * 4 * channels * CROP**2))
    side = SIDES[0] if len(singles) >= HELD_OUT else SIDES[-1]
    for pixels in frames_of(singles):
        pixels = of_channels(pixels, channels)
        rows, columns = (np.linspace(0, size, max(1, size // side) + 1).astype(int) for size in pixels.shape[:2])
        cells = [(row, column) for row in pairwise(rows) for column in pairwise(columns)]
        for number in random.permutation(len(cells))[:most]:
            (top, bottom), (left, right) = cells[number]
            yield [[pixels[top:bottom, left:right].copy()]]
