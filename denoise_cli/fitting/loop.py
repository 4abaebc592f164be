"""The training loop."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from denoise_cli.errors import UsageError
from denoise_cli.fitting.objective import Objective
from denoise_cli.fitting.optimizers import optimizers
from denoise_cli.fitting.recipe import Recipe
from denoise_cli.networks.blocks import Network

CHECKPOINT_EVERY_SECONDS = 180.0


@dataclass(frozen=True)
class Status:
    """What the loop tells its caller now and then."""

    step: int
    steps: int
    loss: float
    held_out_psnr: float
    seconds_left: float


def train(
    network: Network,
    recipe: Recipe,
    objective: Objective,
    *,
    device: torch.device,
    checkpoint: Path | None = None,
    report: Callable[[Status], None] = lambda status: None,
) -> Network:
    """Trains for an objective, with the steps and rates of a recipe; gives the averaged network.

    The average is an exponential moving one of weights and batch-norm statistics (Polyak & Juditsky 1992).
    Everything random follows from the recipe's seed and the step, so that a training that was stopped and goes on
    from its checkpoint ends like one that was not, but for what it did of the step in which it was interrupted.

    Raises UsageError when the checkpoint belongs to another recipe.
    """
    # Channels last: a step of dncnn or win5rb in bfloat16 then takes two thirds of the time.
    network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(network).eval().requires_grad_(False)
    both = optimizers(network, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    step = 0

    if checkpoint is not None and checkpoint.exists():
        step = _restore(checkpoint, recipe, network, average, both)

    started, first, saved = time.monotonic(), step, time.monotonic()
    running_loss = 0.0
    try:
        while step < recipe.steps:
            network.train()
            if step >= recipe.freeze_norms_after * recipe.steps:
                _freeze_norms(network)
            for optimizer in both:
                for group in optimizer.param_groups:
                    group["lr"] = recipe.rate(step)

            random = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
            loss = objective.loss(network, random)
            network.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            for optimizer in both:
                optimizer.step()
            step += 1
            _follow(average, network, min(recipe.ema, (1 + step) / (10 + step)))

            running_loss += 0.02 * (loss.item() - running_loss) if running_loss else loss.item()
            now = time.monotonic()
            last = step == recipe.steps
            if last or now - saved > CHECKPOINT_EVERY_SECONDS:
                if checkpoint is not None:
                    _save(checkpoint, recipe, step, network, average, both)
                left = (now - started) / (step - first) * (recipe.steps - step)
                report(Status(step, recipe.steps, running_loss, objective.psnr(average), left))
                saved = time.monotonic()
    except KeyboardInterrupt:
        if checkpoint is not None:
            _save(checkpoint, recipe, step, network, average, both)
        raise
    return average


def stored_steps(checkpoint: Path) -> int:
    """Of the recipe that a checkpoint belongs to."""
    steps: int = torch.load(checkpoint, map_location="cpu", weights_only=True)["recipe"]["steps"]
    return steps


@torch.no_grad()
def _follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    for theirs, ours in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if theirs.is_floating_point():
            theirs.lerp_(ours, 1 - decay)
        else:
            theirs.copy_(ours)


def _freeze_norms(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def _save(
    path: Path,
    recipe: Recipe,
    step: int,
    network: nn.Module,
    average: nn.Module,
    both: list[torch.optim.Optimizer],
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    state: dict[str, Any] = {
        "recipe": asdict(recipe),
        "step": step,
        "network": network.state_dict(),
        "average": average.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in both],
    }
    torch.save(state, beside)
    beside.replace(path)


def _restore(
    path: Path, recipe: Recipe, network: nn.Module, average: nn.Module, both: list[torch.optim.Optimizer]
) -> int:
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state["recipe"] != asdict(recipe):
        raise UsageError(f"{path} is the checkpoint of another recipe; remove it or give the same options as before")
    network.load_state_dict(state["network"])
    average.load_state_dict(state["average"])
    for optimizer, stored in zip(both, state["optimizers"], strict=True):
        optimizer.load_state_dict(stored)
    step: int = state["step"]
    return step
