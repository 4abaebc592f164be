"""`fit --noisy-only`: from noisy pictures alone to a weights file, and an account of whether it was worth it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from denoise_cli.denoisers.card import Card
from denoise_cli.denoisers.weights import read_card, read_tensors
from denoise_cli.errors import PictureError, UsageError
from denoise_cli.fitting.bursts import MOST, witnesses
from denoise_cli.fitting.channels import of_channels
from denoise_cli.fitting.findings import Findings, Wish, look
from denoise_cli.fitting.job import Job, first_weights, save
from denoise_cli.fitting.loop import stored_steps, train
from denoise_cli.fitting.noise2noise import Neighbor2Neighbor, Noise2Noise, levels, restored
from denoise_cli.fitting.objective import Objective
from denoise_cli.fitting.recipe import Recipe
from denoise_cli.fitting.scenes import CROP, MEMORY, Scenes
from denoise_cli.fitting.survey import frames_of
from denoise_cli.images.image import Pixels
from denoise_cli.networks import build
from denoise_cli.networks.blocks import Network
from denoise_cli.networks.profiled import Profiled
from denoise_cli.networks.unet import UNet
from denoise_cli.runtime.device import choose_device

EXAMPLES = 4  # that the report shows
HELD_OUT = 5  # every fifth place or picture is not trained on
SIDES = (256, 128)  # pixels of what is cut from pictures, the first that they have room for
NOISY, AS_IT_IS, PROFILE, TRAINED = "noisy", "the start as it is", "with a noise profile", "trained"
STRIDES = {1: 1, 2: 2}  # of sub-sampling, by the grain's width; 4 for wider ones
TRIAL_STEPS, FEWEST_STEPS = 4, 50  # to find out how long a step takes; and that a training has at least
KNOTS = 9  # of a profile's curve
GAINS = (0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 2.7, 3.5)  # tried on the measured curve


@dataclass(frozen=True)
class Outcome:
    """Names of what was tried, and for each the PSNR in dB, as noisy pictures tell it; `chosen` is in the file.

    `known`: whether these are true PSNRs, as scenes with several frames tell; otherwise they only serve to compare.
    `examples`: noisy and denoised by what was chosen, `[height, width, channels]`.
    """

    tried: tuple[tuple[str, float], ...]
    chosen: str
    known: bool
    examples: tuple[tuple[Pixels, Pixels], ...]

    def account(self) -> list[str]:
        """What the figures mean."""
        best = dict(self.tried)[self.chosen]
        if not self.known:
            return ["each picture was only taken once, so these figures contain its noise and only serve to compare"]
        gain = best - dict(self.tried)[NOISY]
        return [f"against the scenes themselves, as their other frames tell them: {gain:+.2f} dB"]


def fit_noisy_only(
    folder: Path,
    recipe: Recipe,
    job: Job,
    wish: Wish,
    *,
    tell: Callable[[str], None] = lambda line: None,
) -> tuple[Card, Outcome]:
    """Trains on the noisy pictures below a folder, unless something simpler serves as well; gives card and account.

    Three are compared on what was held out: the network that `job.start` names as it is, the same with the folder's
    noise profile, and that after training. The best is written.
    Raises UsageError for a folder without enough pictures, and where the start as it is was the best, unless wished
    for; PictureError for a picture that cannot be read, WeightsError for a start that cannot.
    """
    findings = look(folder, wish)
    for line in findings.account():
        tell(line)
    device = choose_device(job.device)
    objective = _objective(findings, recipe, device)
    tried: dict[str, Network] = {}
    if job.start is not None:
        given = _as_it_is(job.start)
        tried[AS_IT_IS] = given.to(device)
        if isinstance(given, UNet):
            seen = replace(objective, held_out=objective.scenes)  # what is held out judges, and chooses nothing
            recipe = _with_profile(recipe, given, read_card(job.start), findings, seen)
            tried[PROFILE] = first_weights(recipe, job.start).to(device)
            profile = recipe.arguments["levels"]
            tell(f"noise profile: levels {min(profile):.1f} to {max(profile):.1f}, stride {recipe.arguments['stride']}")
    if wish.method == "profile":
        if PROFILE not in tried:
            raise UsageError("a noise profile is for a network that is told the level, such as photo or unet")
    else:
        if wish.minutes is not None:
            recipe = replace(recipe, steps=_steps(wish.minutes, recipe, job, objective, device))
        network = first_weights(recipe, job.start)
        tried[TRAINED] = train(network, recipe, objective, device=device, checkpoint=job.checkpoint, report=job.report)
    scores = {NOISY: objective.psnr(_Unchanged())}
    scores |= {name: objective.psnr(network.eval()) for name, network in tried.items()}
    chosen = max((name for name in tried if name != AS_IT_IS), key=lambda name: scores[name])
    outcome = Outcome(
        tuple(scores.items()),
        chosen,
        known=isinstance(objective, Noise2Noise),
        examples=_examples(objective, tried[chosen]),
    )
    if scores.get(AS_IT_IS, -np.inf) >= scores[chosen] and not wish.keep_anyway:
        raise UsageError(
            f"{job.start.stem if job.start else ''} as it is does better on these pictures than what was learnt "
            f"({scores[AS_IT_IS]:.2f} against {scores[chosen]:.2f} dB); nothing is written, --keep-anyway would"
        )
    training = (
        job.training or f"{len(findings.found.frames)} noisy pictures of the folder {folder.name}: {findings.facts}"
    )
    summary = job.summary or f"noise like that of the folder {folder.name}"
    recipe = replace(recipe, noise="of noisy pictures")
    return save(tried[chosen], recipe, replace(job, training=training, summary=summary)), outcome


def _steps(minutes: float, recipe: Recipe, job: Job, objective: Objective, device: torch.device) -> int:
    """As many as fit into that time; those of the checkpoint where a training goes on."""
    if job.checkpoint is not None and job.checkpoint.exists():
        return stored_steps(job.checkpoint)
    started = time.monotonic()
    train(first_weights(recipe, job.start), replace(recipe, steps=TRIAL_STEPS), objective, device=device)
    return max(FEWEST_STEPS, round(60 * minutes * TRIAL_STEPS / (time.monotonic() - started)))


class _Unchanged(Network):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


@torch.no_grad()
def _examples(objective: Noise2Noise | Neighbor2Neighbor, network: Network) -> tuple[tuple[Pixels, Pixels], ...]:
    noisy = objective.held_out.patches(EXAMPLES, objective.patch, torch.Generator().manual_seed(1))[0]
    clean = restored(network, noisy, objective.device, levels(network, noisy))
    pairs = zip(noisy, clean, strict=True)
    return tuple((_pixels(before), _pixels(after)) for before, after in pairs)


def _pixels(patch: torch.Tensor) -> Pixels:
    pixels: Pixels = patch.permute(1, 2, 0).cpu().numpy()
    return pixels


def _objective(findings: Findings, recipe: Recipe, device: torch.device) -> Noise2Noise | Neighbor2Neighbor:
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

    common = (source(rest), source(held_out), recipe.batch, recipe.patch, device)
    if findings.from_scenes:
        return Noise2Noise(*common, squared=findings.squared)
    return Neighbor2Neighbor(*common, stride=STRIDES.get(findings.facts.grain, 4), squared=findings.squared)


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


def _as_it_is(start: Path) -> Network:
    card = read_card(start)
    network = build(card.architecture, card.arguments)
    network.load_state_dict(read_tensors(start, card))
    return network.eval()


def _with_profile(recipe: Recipe, given: UNet, card: Card, findings: Findings, objective: Objective) -> Recipe:
    """The recipe for the given network with the noise profile that serves best: the measured one, scaled."""
    base = {name: value for name, value in card.arguments.items() if name not in ("channels", "estimates")}
    lights, sigmas = zip(*findings.facts.curve, strict=True) if findings.facts.curve else ((0.0,), (0.0,))
    curve = np.interp(np.linspace(0, 1, KNOTS), lights, sigmas)
    strides = (1,) if findings.facts.grain == 1 else (1, 2)
    best, best_psnr = recipe, -np.inf
    for stride in strides:
        for gain in GAINS:
            profile = [round(float(gain * sigma), 2) for sigma in curve]
            arguments: dict[str, Any] = {"levels": profile, "stride": stride, "channels": given.channels, "base": base}
            candidate = replace(recipe, architecture="profiled", arguments=arguments)
            network = Profiled(**arguments)
            network.base = given
            psnr = objective.psnr(network.eval())
            if psnr > best_psnr:
                best, best_psnr = candidate, psnr
    return best
