"""`fit --noisy-only`: from noisy pictures alone to a weights file, and an account of whether it was worth it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from denoise_cli.denoisers.card import Card
from denoise_cli.denoisers.judged import judged_levels
from denoise_cli.denoisers.weights import read_card
from denoise_cli.errors import FitError, UsageError
from denoise_cli.fitting import distributed
from denoise_cli.fitting.findings import Findings, Wish, look
from denoise_cli.fitting.job import WRAPPERS, Job, first_weights, last_name, save, subject
from denoise_cli.fitting.loop import Stopped, stored_recipe, train
from denoise_cli.fitting.material import material
from denoise_cli.fitting.noise2noise import Neighbor2Neighbor, Noise2Noise
from denoise_cli.fitting.outcome import NOISY, Outcome, outcome
from denoise_cli.fitting.profile import profiled, stabilised
from denoise_cli.fitting.recipe import Recipe
from denoise_cli.images.image import Pixels
from denoise_cli.networks import build
from denoise_cli.networks.blocks import Network
from denoise_cli.networks.unet import UNet
from denoise_cli.runtime.device import choose_device

AS_IT_IS, PROFILE, CURVE, TRAINED = "the start as it is", "with a noise profile", "with a curve", "trained"
LEFT_ALONE = NOISY, AS_IT_IS  # for which nothing is learnt, so that no file has to be written
TRIAL_STEPS, FEWEST_STEPS = 4, 50  # that tell how long a step takes; and that a training has at least
REPORT_EVERY, PATIENCE = 15.0, 12  # seconds; and reports that may bring nothing better
ANOTHER_TASK = 5.0  # times the learning rate for going on from a network that has learnt nothing of impulses
LEAST_GAIN = 0.01  # dB, for which a file is worth while


@dataclass(frozen=True)
class Candidate:
    """A network that may be the one, and the recipe that goes onto its card."""

    network: Network
    recipe: Recipe


@dataclass(frozen=True)
class _Start:
    """The network that a training goes on from, and its card."""

    network: Network
    card: Card


def fit_noisy_only(
    folder: Path,
    recipe: Recipe,
    job: Job,
    wish: Wish,
    *,
    tell: Callable[[str], None] = lambda line: None,
) -> tuple[Card, Outcome]:
    """Trains on the noisy pictures below a folder, unless something simpler serves as well; gives card and account.

    Compared on what was held out are the network that `job.start` names as it is, the same with the folder's noise
    profile, and what training makes of that. The best is written.
    Raises UsageError for a folder without enough pictures, or a start that does not go with the recipe; FitError where
    the pictures or the start as they are were the best, unless wished for, and then there is no checkpoint to go on
    from either; PictureError for a picture that cannot be read, WeightsError for a start that cannot.
    """
    recipe = replace(recipe, only="")  # which may train a part on simulated noise, and here there is none
    start = None if job.start is None else _beginning(recipe, job.start)
    findings = look(folder, wish, job.white, channels=int(recipe.arguments.get("channels", 3)))
    files = tuple(dict.fromkeys(frame.path for frame in findings.found.frames))
    way = [wish.method, str(wish.minutes), *([] if wish.loss == "auto" else [wish.loss])]
    job = replace(job, files=files, way=" ".join(way))
    device = choose_device(job.device)
    if start is not None and findings.facts.struck and "learning_rate" not in wish.given:
        recipe = replace(recipe, learning_rate=ANOTHER_TASK * recipe.learning_rate)
    of_a_unet = start is not None and isinstance(start.network, UNet)
    _check_method(wish, findings, job, of_a_unet=of_a_unet)
    for line in findings.account(curve=of_a_unet and findings.wants_curve):
        tell(line)
    network = build(recipe.architecture, recipe.arguments) if start is None else start.network
    objective, used = material(findings, recipe, device, _judge(network))
    may_stride = of_a_unet and findings.facts.grain > 1 and not findings.varied  # as a profile does
    _check_patch(recipe.patch, network.multiple * (2 if may_stride else 1), objective)

    tried, stopped = _candidates(start, recipe, job, wish, findings, objective, tell)
    scores = {NOISY: objective.psnr(_Unchanged())}
    scores |= {name: objective.psnr(candidate.network.eval()) for name, candidate in tried.items()}
    chosen = _choose(scores, job, insist=wish.keep_anyway or stopped)
    best = tried[chosen]
    how = outcome(scores, chosen, best.network, objective, findings.facts, stopped=stopped)
    job = replace(
        job,
        training=job.training or f"{used} noisy pictures of the folder {last_name(folder)}: {findings.facts}",
        summary=job.summary or f"noise like that of the folder {last_name(folder)}",
    )
    loss = "l2" if findings.squared else "l1"
    return save(best.network, replace(best.recipe, noise="of noisy pictures", loss=loss), job), how


def _candidates(
    start: _Start | None,
    recipe: Recipe,
    job: Job,
    wish: Wish,
    findings: Findings,
    objective: Noise2Noise | Neighbor2Neighbor,
    tell: Callable[[str], None],
) -> tuple[dict[str, Candidate], bool]:
    """What may be written, by name, and whether Ctrl-C ended the training.

    That is the start as it is, the same with the noise's profile if it is a U-Net, and what training makes of it.
    """
    tried: dict[str, Candidate] = {}
    name = TRAINED
    if start is not None:
        tried[AS_IT_IS] = Candidate(start.network.to(objective.device), recipe)
        if isinstance(start.network, UNet) and not findings.varied:
            profile = profiled(recipe, start.network, start.card, findings.facts, objective)
            tried[PROFILE] = Candidate(first_weights(profile, job.start).to(objective.device), profile)
            tell("noise profile: levels {low:.1f} to {high:.1f}, stride {stride}".format(**_strengths(profile)))
            if findings.wants_curve:
                name, recipe = CURVE, stabilised(recipe, start.network, start.card, findings)
            else:
                recipe = profile
    stopped = False
    if wish.method != "profile":
        tried[name], stopped = _learnt(recipe, job, wish, objective)
    return tried, stopped


def _choose(scores: Mapping[str, float], job: Job, *, insist: bool) -> str:
    """The name of what was learnt that has the best score.

    Raises FitError, and removes the checkpoint, where leaving things as they are does as well, unless `insist`.
    """
    chosen = max((name for name in scores if name not in LEFT_ALONE), key=lambda name: scores[name])
    idle = max((name for name in LEFT_ALONE if name in scores), key=lambda name: scores[name])
    if scores[idle] > scores[chosen] - LEAST_GAIN and not insist:
        what = (
            "leaving the pictures as they are" if idle == NOISY or job.start is None else f"{job.start.stem} as it is"
        )
        if job.checkpoint is not None:
            job.checkpoint.unlink(missing_ok=True)
        raise FitError(
            f"{what} does as well on these pictures as what was learnt "
            f"({scores[idle]:.2f} and {scores[chosen]:.2f} dB); nothing is written, --keep-anyway would"
        )
    return chosen


def _learnt(recipe: Recipe, job: Job, wish: Wish, objective: Noise2Noise | Neighbor2Neighbor) -> tuple[Candidate, bool]:
    """What training makes of the recipe's first weights, and whether it was stopped."""
    if job.checkpoint is not None and job.checkpoint.exists():
        recipe = _begun(recipe, wish, stored_recipe(job.checkpoint))
    elif wish.minutes is not None:
        recipe = replace(recipe, steps=_steps(wish.minutes, recipe, job, objective))
    network, stopped = first_weights(recipe, job.start), False
    try:
        network = train(
            network,
            recipe,
            objective,
            device=objective.device,
            checkpoint=job.checkpoint,
            subject=subject(job),
            report=job.report,
            tick=job.tick,
            every=REPORT_EVERY,
            patience=PATIENCE,
        )
    except Stopped as stop:
        network, stopped = stop.best, True
    return Candidate(network, recipe), stopped


def _begun(recipe: Recipe, wish: Wish, stored: Recipe) -> Recipe:
    """With what was measured when a checkpoint began: the profile, and the steps that fit into the time."""
    if recipe.architecture in WRAPPERS and stored.architecture == recipe.architecture:
        recipe = replace(recipe, arguments=stored.arguments)
    return recipe if wish.minutes is None else replace(recipe, steps=stored.steps)


def _check_method(wish: Wish, findings: Findings, job: Job, *, of_a_unet: bool) -> None:
    """Raises UsageError for a method that does not go with the start, the pictures or what is there already."""
    if wish.method == "profile" and job.checkpoint is not None and job.checkpoint.exists():
        raise UsageError(f"{job.checkpoint} is the checkpoint of a training, and profile trains nothing; remove it")
    if wish.method not in ("profile", "vst"):
        return
    if not of_a_unet:
        raise UsageError(f"{wish.method} is for a network that is told the level, such as photo or unet")
    if findings.varied:
        raise UsageError(f"{wish.method} is for pictures with the same noise, and here that differs; see --method")


def _check_patch(patch: int, multiple: int, objective: Noise2Noise | Neighbor2Neighbor) -> None:
    """Raises UsageError for patches whose sub-sampled pictures the network cannot take."""
    if isinstance(objective, Neighbor2Neighbor):
        multiple *= 2 * objective.stride
    if patch % multiple:
        raise UsageError(f"for this network and noise, --patch is a multiple of {multiple} pixels, not {patch}")


def _judge(network: Network) -> Callable[[Pixels], tuple[float, ...]]:
    """What a network would be told of a picture; one that is told nothing might as well be told of no noise."""
    if not network.takes_sigma:
        return lambda pixels: (0.0,)
    return lambda pixels: judged_levels(network, pixels, pixels.shape[2])


def _strengths(profile: Recipe) -> dict[str, float]:
    levels = profile.arguments["levels"]
    return {"low": min(levels), "high": max(levels), "stride": profile.arguments["stride"]}


def _steps(minutes: float, recipe: Recipe, job: Job, objective: Noise2Noise | Neighbor2Neighbor) -> int:
    """As many as fit into that time. The first one, which is slow, does not tell how long they take."""
    ends: list[float] = []
    train(
        first_weights(recipe, job.start),
        replace(recipe, steps=1 + TRIAL_STEPS),
        objective,
        device=objective.device,
        tick=lambda step, steps: ends.append(time.monotonic()),
    )
    seconds = distributed.agreed(ends[-1] - ends[0])
    return max(FEWEST_STEPS, round(60 * minutes * TRIAL_STEPS / seconds))


class _Unchanged(Network):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def _beginning(recipe: Recipe, start: Path) -> _Start:
    """The network to start from, in the recipe's architecture and channels.

    Raises UsageError where it cannot be had, or would judge noise and has not learnt to.
    """
    card = read_card(start)
    if recipe.arguments.get("estimates") and not card.arguments.get("estimates"):
        raise UsageError(
            f"{start} does not judge how strong noise is, and noisy pictures do not teach it; "
            "leave --model out, or start from a network that does"
        )
    return _Start(first_weights(recipe, start).eval(), card)
