"""The training loop."""

from __future__ import annotations

import copy
import io
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import nn

from denoise_cli.errors import UsageError
from denoise_cli.fitting import distributed
from denoise_cli.fitting.best import Best
from denoise_cli.fitting.losses import Losses
from denoise_cli.fitting.objective import Objective
from denoise_cli.fitting.optimizers import optimizers
from denoise_cli.fitting.recipe import Recipe
from denoise_cli.networks.blocks import Network
from denoise_cli.places.files import replacing, sweep
from denoise_cli.runtime.compiled import compiled

CHECKPOINT_EVERY_SECONDS = 180.0
LONGEST_GRADIENT = 1.0  # chosen: longer ones are cut, so that one batch with huge errors does not rule the momentum
SEEDS_APART = 1_000_003  # more than trainings have steps, so that those of two seeds share no draws


@dataclass(frozen=True)
class Status:
    """What the loop tells its caller now and then."""

    step: int
    steps: int
    loss: float
    held_out_psnr: float
    seconds_left: float

    def __str__(self) -> str:
        return (
            f"step {self.step}/{self.steps}  loss {self.loss:.5f}  "
            f"PSNR on what is held out {self.held_out_psnr:.2f} dB  {self.seconds_left / 60:.0f} min left"
        )


class Stopped(KeyboardInterrupt):
    """Ctrl-C in a training that keeps its best weights; `best` has them."""

    def __init__(self, best: Network) -> None:
        super().__init__()
        self.best = best


def train(
    network: Network,
    recipe: Recipe,
    objective: Objective,
    *,
    device: torch.device,
    checkpoint: Path | None = None,
    subject: str = "",
    report: Callable[[Status], None] = lambda status: None,
    tick: Callable[[int, int], None] = lambda step, steps: None,
    every: float | None = None,
    patience: int | None = None,
    compile: bool = False,
) -> Network:
    """Trains for an objective, with the steps and rates of a recipe; gives the averaged network.

    `subject`: what is learnt from, which a checkpoint must share. `tick` hears of every step. `compile`: with
    torch.compile, by which steps are faster after a slow first one. There is a checkpoint and a report `every` so many
    seconds, or every few minutes. With `patience` the network is what was best on what is held out, at the times of the
    reports, and the training ends when so many of them have brought nothing better.

    The average is an exponential moving one of weights and batch-norm statistics (Polyak & Juditsky 1992).
    Everything random follows from the recipe's seed and the step, and Ctrl-C waits for the end of a step, so that a
    training that was stopped and goes on from its checkpoint ends like one that was not. A second Ctrl-C does not wait,
    and leaves the last checkpoint there was. With `patience` ends differ: which weights are compared, and when the
    training ends, then depends on the clock.

    Among processes that torchrun has started, the gradients are the mean of all.

    Raises UsageError when the checkpoint belongs to another recipe or subject, or there is nothing to compile with;
    FitError for a training that breaks down, Stopped for Ctrl-C where there is `patience`.
    """
    # Channels last: a step of dncnn or win5rb in bfloat16 then takes two thirds of the time.
    network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name.startswith(recipe.only))
    distributed.same_start(network)
    average = copy.deepcopy(network).eval().requires_grad_(False)
    both = optimizers(network, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    best = None if patience is None else Best(patience)
    state = _State(network, average, both, best)
    number, count = distributed.part()
    trained = compiled(network, device) if compile else network
    step = 0

    if checkpoint is not None:
        sweep(checkpoint.parent)
        if checkpoint.exists():
            step = state.restore(checkpoint, recipe, subject)

    started, first, saved = time.monotonic(), step, time.monotonic()
    losses, within_step = Losses(), False
    try:
        while step < recipe.steps:
            with _uninterrupted():
                within_step = True
                network.train()
                if step >= recipe.freeze_norms_after * recipe.steps:
                    _freeze_norms(network)
                for optimizer in both:
                    for group in optimizer.param_groups:
                        group["lr"] = recipe.rate(step)

                random = torch.Generator().manual_seed((recipe.seed * SEEDS_APART + step) * count + number)
                loss = objective.loss(trained, random)
                network.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                distributed.share_gradients(network)
                nn.utils.clip_grad_norm_(network.parameters(), LONGEST_GRADIENT)
                for optimizer in both:
                    optimizer.step()
                step += 1
                # Fast at first, or the average would keep the random weights of the start for a thousand steps.
                _follow(average, network, min(recipe.ema, (1 + step) / (10 + step)))
                within_step = False
            losses.add(step, loss)
            tick(step, recipe.steps)

            now = time.monotonic()
            if step == recipe.steps or distributed.agreed(now - saved) > (every or CHECKPOINT_EVERY_SECONDS):
                losses.read_all()
                psnr = distributed.agreed(objective.psnr(average))
                if best is not None:
                    best.offer(psnr, average)
                left = (now - started) / (step - first) * (recipe.steps - step)
                if distributed.first():
                    state.save(checkpoint, recipe, subject, step)
                    report(Status(step, recipe.steps, losses.smooth, psnr, left))
                saved = time.monotonic()
                if best is not None and best.stalled:
                    break
    except KeyboardInterrupt:
        if distributed.first() and not within_step:
            losses.read_all()
            state.save(checkpoint, recipe, subject, step)
        if best is None:
            raise
        best.put_into(average)
        raise Stopped(average) from None
    if best is not None:
        best.put_into(average)
    return average


def stored_recipe(checkpoint: Path) -> Recipe:
    """That a checkpoint belongs to. Raises UsageError for one that is damaged."""
    try:
        return Recipe(**_loaded(checkpoint)["recipe"])
    except (TypeError, LookupError) as error:
        raise _damaged(checkpoint) from error


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """A first Ctrl-C, or what the program takes for one, waits for the block's end; a second one does not.

    Only where signals raise KeyboardInterrupt, and in the main thread, which alone may say what they do.
    """
    numbers = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) is signal.default_int_handler]
    if threading.current_thread() is not threading.main_thread():
        numbers = []
    interrupted = False

    def usual() -> None:
        for number in numbers:
            signal.signal(number, signal.default_int_handler)

    def wait(number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        usual()

    for number in numbers:
        signal.signal(number, wait)
    try:
        yield
    finally:
        usual()
        if interrupted:  # also instead of an error, such as that of a compiler that Ctrl-C has ended
            raise KeyboardInterrupt


@torch.no_grad()
def _follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    pairs = list(zip(average.state_dict().values(), network.state_dict().values(), strict=True))
    theirs, ours = (list(tensors) for tensors in zip(*(p for p in pairs if p[0].is_floating_point()), strict=True))
    torch._foreach_lerp_(theirs, ours, 1 - decay)  # in one go: a GPU does not wait for a hundred calls
    for count, now in pairs:
        if not count.is_floating_point():
            count.copy_(now)


def _freeze_norms(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


@dataclass(frozen=True)
class _State:
    """All that a checkpoint holds."""

    network: nn.Module
    average: nn.Module
    optimizers: list[torch.optim.Optimizer]
    best: Best | None

    def save(self, path: Path | None, recipe: Recipe, subject: str, step: int) -> None:
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        state: dict[str, Any] = {
            "recipe": asdict(recipe),
            "subject": subject,
            "step": step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "best": None if self.best is None else self.best.state(),
        }
        content = io.BytesIO()  # since torch's own errors while it writes a file are no sentences
        torch.save(state, content)
        with replacing(path) as file:
            file.write(content.getbuffer())

    def restore(self, path: Path, recipe: Recipe, subject: str) -> int:
        """Gives the step at which the checkpoint was made."""
        state = _loaded(path)
        if state.get("recipe") != asdict(recipe):
            raise UsageError(
                f"{path} is the checkpoint of another recipe; remove it or give the same options as before"
            )
        if state.get("subject", subject) != subject:
            raise UsageError(
                f"{path} is the checkpoint of a training on other pictures, from another start or loss, or by another "
                "method or time; remove it or give the same options as before"
            )
        try:
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            for optimizer, stored in zip(self.optimizers, state["optimizers"], strict=True):
                optimizer.load_state_dict(stored)
            if self.best is not None and state["best"] is not None:
                self.best.restore(state["best"])
            step: int = state["step"]
        except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            raise _damaged(path) from error
        return step


def _loaded(checkpoint: Path) -> dict[str, Any]:
    """Raises UsageError for one that is damaged, OSError for one that cannot be read."""
    content = io.BytesIO(checkpoint.read_bytes())
    try:
        state = torch.load(content, map_location="cpu", weights_only=True)
    except Exception as error:  # there is hardly a type of exception that damaged files do not make torch raise
        raise _damaged(checkpoint) from error
    if not isinstance(state, dict):
        raise _damaged(checkpoint)
    return state


def _damaged(checkpoint: Path) -> UsageError:
    return UsageError(f"{checkpoint} is no checkpoint, or is damaged; remove it, and the training begins anew")
