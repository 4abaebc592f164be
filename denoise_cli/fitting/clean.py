"""`fit --clean`: from a folder of clean photographs to a weights file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import nn

from denoise_cli.denoisers.card import Card
from denoise_cli.denoisers.weights import read_card, read_tensors, write
from denoise_cli.errors import PictureError, UsageError
from denoise_cli.fitting.loop import HELD_OUT_PATCH, Status, train
from denoise_cli.fitting.noisy import LUMA, TRAINING_KINDS
from denoise_cli.fitting.patches import PatchSource
from denoise_cli.fitting.recipe import Recipe
from denoise_cli.images.formats import SUFFIXES, first_pixels
from denoise_cli.images.image import Samples
from denoise_cli.measure.quality import as_8_bit
from denoise_cli.networks import build, macs_per_pixel, parameters
from denoise_cli.networks.win5rb import widened
from denoise_cli.noise.spec import parse_mixture
from denoise_cli.runtime.device import choose_device

HELD_OUT = 50  # every fiftieth photo is not trained on; progress is measured on these


def fit_clean(
    folder: Path,
    output: Path,
    recipe: Recipe,
    *,
    start: Path | None = None,
    device: str = "auto",
    checkpoint: Path | None = None,
    summary: str = "",
    training: str = "",
    command: str = "",
    report: Callable[[Status], None] = lambda status: None,
) -> Card:
    """Trains by a recipe on the photos below a folder and writes a weights file; gives its card.

    `start`: a weights file to begin with, of the same network, of its dilated form, without its estimator, or in colour
    for a network for gray pictures.
    `summary`, `training` and `command` go onto the card: what it is for, what the data are, with their licence, and how
    to do it again.
    Raises UsageError for a folder without pictures, PictureError for one that cannot be read, WeightsError for `start`.
    """
    for noise in parse_mixture(recipe.noise):  # before the photos are read
        if noise.kind not in TRAINING_KINDS:
            raise UsageError(
                f"networks are not trained on {noise.kind} noise yet, only on {' and '.join(TRAINING_KINDS)}"
            )
        if noise.kind == "camera" and recipe.arguments.get("channels", 3) != 3:
            raise UsageError(
                "camera noise is simulated in colour; train a colour network, which takes gray pictures too"
            )
    place = choose_device(device)
    channels = int(recipe.arguments.get("channels", 3))
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )
    if len(files) < 2:
        raise UsageError(f"{folder} has no pictures to learn from, or only one")
    torch.manual_seed(recipe.seed)
    network = build(recipe.architecture, recipe.arguments)
    if recipe.patch % network.multiple:
        raise UsageError(
            f"{recipe.architecture} needs patches of a multiple of {network.multiple} pixels, not {recipe.patch}"
        )
    before = None if start is None else _start_from(start, network, recipe)
    held_out = PatchSource(
        read_photos(files[::HELD_OUT], channels), device=place, seed=recipe.seed, smallest=HELD_OUT_PATCH
    )
    rest = [path for number, path in enumerate(files) if number % HELD_OUT]
    photos = PatchSource(read_photos(rest, channels), device=place, seed=recipe.seed, smallest=recipe.patch)
    trained = train(network, recipe, photos, held_out, device=place, checkpoint=checkpoint, report=report).cpu()
    card = Card(
        name=output.stem,
        family="network",
        summary=summary or f"{recipe.architecture} for noise of {recipe.noise}",
        level="given" if trained.takes_sigma else "blind",
        channels=channels,
        radius=trained.radius,
        multiple=trained.multiple,
        architecture=recipe.architecture,
        arguments=dict(recipe.arguments),
        noise=recipe.noise,
        parameters=parameters(trained),
        macs_per_pixel=macs_per_pixel(trained, channels),
        training=training or f"{len(files)} pictures of the folder {folder.name}",
        command=command if before is None else f"{before.command} && {command}",
        recipe=asdict(recipe),
    )
    return write(output, card, trained.state_dict())


def read_photos(files: Sequence[Path], channels: int) -> Iterator[Samples]:
    """uint8 `[height, width, channels]` of each; gray by the weights of BT.601, as the gray test sets were made."""
    for path in files:
        try:
            pixels = first_pixels(path)
        except PictureError as error:
            raise PictureError(f"{error}; remove it from the folder") from error
        if channels == 1 and pixels.shape[2] == 3:
            pixels = pixels @ np.array(LUMA, np.float32)[:, None]
        elif channels == 3 and pixels.shape[2] == 1:
            pixels = np.repeat(pixels, 3, axis=2)
        if pixels.shape[2] == channels:
            yield as_8_bit(pixels)


def _start_from(path: Path, network: nn.Module, recipe: Recipe) -> Card:
    card = read_card(path)
    tensors = read_tensors(path, card)
    if card.architecture == recipe.architecture == "win5rb" and "dilations" not in recipe.arguments:
        tensors = widened(tensors, card.arguments.get("dilations") or ())
    ours = network.state_dict()
    if card.channels == 3 and recipe.arguments.get("channels") == 1:
        tensors = {name: _without_colour(tensor, ours.get(name, tensor)) for name, tensor in tensors.items()}
    fresh = {name: tensor for name, tensor in ours.items() if name.startswith("level.")}
    try:
        network.load_state_dict({**fresh, **tensors})
    except RuntimeError:
        raise UsageError(
            f"{path} holds {card.architecture} {card.arguments}, which is not what is to be trained"
        ) from None
    return card


def _without_colour(tensor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """First and last layers for one channel: taps of red, green and blue together, and their results' mean."""
    if tensor.ndim == 4 and tensor.shape[1] == 3 and like.shape[1] == 1:
        tensor = tensor.sum(dim=1, keepdim=True)
    if tensor.ndim and tensor.shape[0] == 3 and like.shape[0] == 1:
        tensor = tensor.mean(dim=0, keepdim=True)
    return tensor
