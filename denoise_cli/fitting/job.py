"""A training from its first weights to the file of the last ones, wherever its pictures come from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

import torch

from denoise_cli.denoisers.card import Card
from denoise_cli.denoisers.network import described
from denoise_cli.denoisers.weights import are_numbers, read_card, write
from denoise_cli.errors import FitError, UsageError
from denoise_cli.fitting import distributed
from denoise_cli.fitting.loop import Status, train
from denoise_cli.fitting.objective import Objective
from denoise_cli.fitting.recipe import Recipe
from denoise_cli.images.formats import check_white
from denoise_cli.networks import build, macs_per_pixel, parameters
from denoise_cli.networks.blocks import Network
from denoise_cli.networks.win5rb import widened
from denoise_cli.runtime.device import choose_device

WRAPPERS = ("profiled", "stabilised")  # networks that hold another one, their `base`
T = TypeVar("T")
Aim = TypeVar("Aim", bound=Objective)


@dataclass(frozen=True)
class Job:
    """What a training is to make, besides what its recipe says.

    `start`: a weights file to begin with, of the same network, of its dilated form, without its estimator, or in colour
    for a network for gray pictures (not of a U-Net, whose first layer mixes shuffled pixels). `summary`, `training` and
    `command` go onto the card: what the network is for, what the data are, with their licence, and how to do it again.
    `compile` is for long trainings. `files`: all pictures that are learnt from. `way`: how they are learnt from, where
    a recipe leaves that open. `white`: see `formats.read`. A checkpoint only serves a training of the same way on files
    of the same names and sizes, with the same white.
    """

    output: Path
    start: Path | None = None
    device: str = "auto"
    checkpoint: Path | None = None
    summary: str = ""
    training: str = ""
    command: str = ""
    compile: bool = False
    files: tuple[Path, ...] = ()
    way: str = ""
    white: float | None = None
    report: Callable[[Status], None] = lambda status: None
    tick: Callable[[int, int], None] = lambda step, steps: None

    def __post_init__(self) -> None:
        """Raises UsageError for what is no white."""
        check_white(self.white)


def fit(
    recipe: Recipe, job: Job, objective: Callable[[torch.device], Aim], account: Callable[[Aim], str] = lambda aim: ""
) -> Card:
    """Trains and writes the weights file; gives its card. `objective` reads the pictures, once all else is in order;
    then `account` tells what the card says of them, unless the job does.

    Raises UsageError for what does not go together, WeightsError for a start that cannot be read.
    """
    device = choose_device(job.device)
    network = first_weights(recipe, job.start)
    aim = objective(device)
    trained = train(
        network,
        recipe,
        aim,
        device=device,
        checkpoint=job.checkpoint,
        subject=subject(job),
        report=job.report,
        tick=job.tick,
        compile=job.compile,
    )
    return save(trained, recipe, replace(job, training=job.training or account(aim)))


def held_out(items: Sequence[T], each: int, fits: Callable[[T], bool]) -> tuple[list[T], list[T]]:
    """Of every `each` items in a row the first that fits, which is not to be trained on; and all others."""
    rows = (items[start : start + each] for start in range(0, len(items), each))
    apart = [item for row in rows for item in islice(filter(fits, row), 1)]  # the rest of a row is not looked at
    known = set(apart)
    return apart, [item for item in items if item not in known]


def last_name(path: str | Path) -> str:
    """What a card calls a folder or a file, which `.` and `..` do not say."""
    path = Path(path)
    return path.name if path.name not in ("", "..") else path.resolve().name


def subject(job: Job) -> str:
    """What a job learns from and how, its start included, in a word that no other one has."""
    total = hashlib.sha256(b"" if job.start is None else read_card(job.start).sha256.encode())
    for file in job.files:
        total.update(f"{file.name} {file.stat().st_size}\n".encode(errors="surrogateescape"))
    total.update(job.way.encode() if job.white is None else f"{job.way} white {job.white}".encode())
    return total.hexdigest()


def first_weights(recipe: Recipe, start: Path | None) -> Network:
    """The network of a recipe, with the weights of a file where there is one, random ones otherwise.

    Raises UsageError for what does not go together, WeightsError for a start that cannot be read.
    """
    card, tensors = None, dict[str, torch.Tensor]()
    if start is not None:  # first, as the recipe may be of its card, and no file should get more memory than it fills
        card = read_card(start)
        _, tensors = described(start, card)
    torch.manual_seed(recipe.seed)
    network = build(recipe.architecture, recipe.arguments)
    if recipe.patch % network.multiple:
        raise UsageError(
            f"{recipe.architecture} needs patches of a multiple of {network.multiple} pixels, not {recipe.patch}"
        )
    if card is None:
        return network
    if card.architecture == recipe.architecture == "win5rb" and "dilations" not in recipe.arguments:
        tensors = widened(tensors, card.arguments.get("dilations") or ())
    ours = network.state_dict()
    if recipe.architecture in WRAPPERS and card.architecture not in WRAPPERS:  # the profile takes the estimator's place
        tensors = {f"base.{name}": tensor for name, tensor in tensors.items() if not name.startswith("level.")}
    if card.channels == 3 and recipe.arguments.get("channels") == 1:
        tensors = {name: _without_colour(tensor, ours.get(name, tensor)) for name, tensor in tensors.items()}
    fresh = {name: tensor for name, tensor in ours.items() if name.startswith(("level.", "curve_"))}
    try:
        network.load_state_dict({**fresh, **tensors})
    except RuntimeError:
        raise UsageError(
            f"{start} holds {card.architecture} {card.arguments}, which is not what is to be trained"
        ) from None
    return network


def save(network: Network, recipe: Recipe, job: Job) -> Card:
    """Writes a weights file; gives its card, which has the recipe and the commands that led here.

    Of several processes only the first writes. Raises FitError for weights that are no numbers.
    """
    network = network.cpu()
    if not are_numbers(network.state_dict()):
        raise FitError("the training broke down: its weights are no numbers; a lower --rate may help")
    channels = int(recipe.arguments.get("channels", 3))
    card = Card(
        name=job.output.stem,
        family="network",
        summary=job.summary or f"{recipe.architecture} for noise of {recipe.noise}",
        level="given" if network.takes_sigma else "blind",
        channels=channels,
        radius=network.radius,
        multiple=network.multiple,
        architecture=recipe.architecture,
        arguments=dict(recipe.arguments),
        noise=recipe.noise,
        parameters=parameters(network),
        macs_per_pixel=macs_per_pixel(network, channels),
        training=job.training,
        command=job.command if job.start is None else f"{read_card(job.start).command} && {job.command}",
        recipe=asdict(recipe),
    )
    if not distributed.first():
        return card
    job.output.parent.mkdir(parents=True, exist_ok=True)
    return write(job.output, card, network.state_dict())


def _without_colour(tensor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """First and last layers for one channel: taps of red, green and blue together, and their results' mean."""
    if tensor.ndim == 4 and tensor.shape[1] == 3 and like.shape[1] == 1:
        tensor = tensor.sum(dim=1, keepdim=True)
    if tensor.ndim and tensor.shape[0] == 3 and like.shape[0] == 1:
        tensor = tensor.mean(dim=0, keepdim=True)
    return tensor
