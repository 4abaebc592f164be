"""What a folder's noisy pictures give to learn from: places of scenes, or cells of single shots."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import torch

from denoise_cli.errors import PictureError, UsageError
from denoise_cli.fitting import distributed
from denoise_cli.fitting.bursts import MOST, size_of, witnesses
from denoise_cli.fitting.channels import of_channels
from denoise_cli.fitting.findings import Findings
from denoise_cli.fitting.noise2noise import Neighbor2Neighbor, Noise2Noise
from denoise_cli.fitting.pictures import how_many
from denoise_cli.fitting.recipe import Recipe
from denoise_cli.fitting.scenes import CROP, MEMORY, Scenes
from denoise_cli.fitting.survey import Frame, frames_of
from denoise_cli.images.image import Pixels
from denoise_cli.networks.curve import level_map
from denoise_cli.noise.measure import noise_in_flat_parts

HELD_OUT = 5  # every fifth place or picture is not trained on
SIDES = (256, 128)  # pixels of what is cut from pictures, the first of which there is enough
STRIDES = {1: 1, 2: 2}  # of sub-sampling, by the grain's width; 4 for wider ones
Judge = Callable[[Pixels], tuple[float, ...]]
Piece = tuple[Sequence[Frame], list[Sequence[Pixels]]]  # of which pictures a cell is, and what was made of it


def material(
    findings: Findings, recipe: Recipe, device: torch.device, judge: Judge
) -> tuple[Noise2Noise | Neighbor2Neighbor, int]:
    """Pictures to train on and, apart from them, pictures to judge by; and how many of the folder's they all are.

    `judge` gives the levels that a network would be told of a picture, at brightness from 0 to 1.
    Raises UsageError for a folder without enough of them, PictureError for one that cannot be read.
    """
    channels = int(recipe.arguments.get("channels", 3))
    parts = _of_scenes if findings.from_scenes else _of_singles
    many = findings.from_scenes or len(findings.found.frames) >= HELD_OUT
    pieces: list[Piece] = []
    for side in SIDES if many else SIDES[-1:]:
        if len(pieces) < HELD_OUT:
            pieces = list(parts(findings, recipe, channels, judge, side))
    cells = [cell for _, cell in pieces]
    if len(cells) < HELD_OUT:
        raise UsageError(_too_little(findings))
    used = {frame for frames, cell in pieces if min(cell[0][0].shape[:2]) >= recipe.patch for frame in frames}
    held_out, rest = cells[::HELD_OUT], [cell for number, cell in enumerate(cells) if number % HELD_OUT]

    def source(cells: Sequence[Sequence[Sequence[Pixels]]]) -> Scenes:
        frames = [frames for cell in cells for frames in cell]
        return Scenes(frames, expected=len(frames), device=device, seed=recipe.seed, smallest=recipe.patch)

    common = (source(rest), source(held_out), distributed.share(recipe.batch), recipe.patch, device)
    if findings.from_scenes:
        return Noise2Noise(*common, squared=findings.squared, impulses=findings.facts.struck), len(used)
    stride = STRIDES.get(findings.facts.grain, 4)
    facts = findings.facts if findings.facts.curve and not findings.facts.struck else None
    aim = Neighbor2Neighbor(
        *common, stride=stride, squared=findings.squared, facts=facts, impulses=findings.facts.struck
    )
    return aim, len(used)


def _of_scenes(findings: Findings, recipe: Recipe, channels: int, judge: Judge, side: int) -> Iterator[Piece]:
    """Place by place: each frame there, its level, and its witnesses. Small scenes have smaller places, or none."""
    scenes = findings.found.scenes
    frames = sum(min(len(scene), MOST) for scene in scenes)
    random = np.random.default_rng(recipe.seed)
    at = partial(witnesses, random=random, median=not findings.squared, impulses=findings.facts.struck)
    for scene, crops in _counts(scenes, frames * 4 * channels, random).items():
        for smaller in dict.fromkeys((side, SIDES[-1])):
            found = False
            for triples in at(scene, crops=crops, side=smaller):
                found = True
                cell: list[Sequence[Pixels]] = [
                    _with_levels([_of_channels(pixels, channels, scene[0]) for pixels in triple], judge)
                    for triple in triples
                ]
                yield scene[:MOST], cell
            if found:
                break


def _of_singles(findings: Findings, recipe: Recipe, channels: int, judge: Judge, side: int) -> Iterator[Piece]:
    """Place by place: what each picture shows there, its level, its noise's deviation. Of many large pictures some
    places, at random; of frames of one scene the same, so that nothing is both learnt from and judged by.
    """
    found = findings.found
    scenes = sorted([*found.scenes, *((frame,) for frame in found.singles)])
    random = np.random.default_rng(recipe.seed)
    counts = _counts(scenes, len(found.frames) * 3 * channels, random)
    scene_of = {frame: scene for scene in counts for frame in scene}
    places: dict[tuple[Frame, ...], dict[int, list[Sequence[Pixels]]]] = {}
    chosen = sorted(scene_of)  # so that a file of many pages is read once
    for frame, pixels in zip(chosen, frames_of(chosen), strict=True):
        scene = scene_of[frame]
        pixels = _of_channels(pixels, channels, frame)
        told, own = judge(pixels), (noise_in_flat_parts([pixels]) if findings.varied else findings.facts).levels
        rows, columns = (np.linspace(0, size, max(1, size // side) + 1).astype(int) for size in pixels.shape[:2])
        cells = [(row, column) for row in pairwise(rows) for column in pairwise(columns)]
        if scene not in places:
            places[scene] = {int(number): [] for number in random.permutation(len(cells))[: counts[scene]]}
        for number, shown in places[scene].items():
            (top, bottom), (left, right) = cells[number]
            part = pixels[top:bottom, left:right].copy()
            shown.append([part, _map(part, told), _map(part, own)])
        if frame == max(scene):
            yield from ((scene, shown) for shown in places.pop(scene).values())


def _counts(
    scenes: Sequence[tuple[Frame, ...]], planes: int, random: np.random.Generator
) -> dict[tuple[Frame, ...], int]:
    """How many cells of each scene there is memory for, of those that have any; as many as it takes to hold some out,
    where there are few scenes. `planes`: of a cell of each of them, all together.
    """
    room = MEMORY / 2 / (planes * 4 * CROP**2)
    if len(scenes) < HELD_OUT:
        room = max(HELD_OUT, room)
    return {scene: count for scene in scenes if (count := how_many(room, random))}


def _too_little(findings: Findings) -> str:
    """Why there is too little to learn from."""
    scenes = findings.found.scenes if findings.from_scenes else ()
    places = sum(math.prod(length // SIDES[-1] for length in size_of(scene)) for scene in scenes)
    if places >= HELD_OUT:
        return (
            "the frames of a scene have too little in common to learn from: they are exposed differently, or show "
            "something else; --method neighbors learns from each by itself"
        )
    return f"the pictures are too small to learn from: it takes {HELD_OUT} parts of {SIDES[-1]} pixels a side"


def _of_channels(pixels: Pixels, channels: int, frame: Frame) -> Pixels:
    pixels = of_channels(pixels, channels)
    if pixels.shape[2] != channels:
        raise PictureError(f"{frame} has {pixels.shape[2]} channels, and the network is for {channels}; leave it out")
    return pixels


def _with_levels(triple: Sequence[Pixels], judge: Judge) -> list[Pixels]:
    frame, *witnesses = triple
    return [frame, _map(frame, judge(frame)), *witnesses]


def _map(pixels: Pixels, levels: Sequence[float]) -> Pixels:
    """The level at each place of a picture, in all of its channels, 1.0 = white."""
    x = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))[None]
    return np.broadcast_to(level_map(x, levels)[0, 0, :, :, None].numpy(), pixels.shape)
