"""`fit --clean`: from a folder of clean photographs to a weights file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from denoise_cli.denoisers.card import Card
from denoise_cli.errors import PictureError, UsageError
from denoise_cli.fitting import distributed
from denoise_cli.fitting.channels import of_channels
from denoise_cli.fitting.job import Job, fit, held_out, last_name
from denoise_cli.fitting.noisy import TRAINING_KINDS
from denoise_cli.fitting.objective import HELD_OUT_SIDE, SyntheticNoise
from denoise_cli.fitting.patches import PatchSource
from denoise_cli.fitting.recipe import Recipe
from denoise_cli.images.formats import first_picture
from denoise_cli.images.hidden import visible
from denoise_cli.images.image import Samples
from denoise_cli.measure.quality import as_8_bit
from denoise_cli.measure.sets import pictures
from denoise_cli.noise.spec import parse_mixture

# One in so many photos is not trained on, the first by name that is large enough; it measures progress, on sixteen
# patches, for which a few photos do. That leaves nearly all of them to learn from.
HELD_OUT = 50


def fit_clean(folder: Path, recipe: Recipe, job: Job) -> Card:
    """Trains by a recipe on the photos below a folder and writes a weights file; gives its card.

    Raises UsageError for a folder without pictures, PictureError for one that cannot be read, WeightsError for a start
    that cannot.
    """
    channels = int(recipe.arguments.get("channels", 3))
    mixture = parse_mixture(recipe.noise)
    for noise in mixture:  # before the photos are read
        if noise.kind not in TRAINING_KINDS:
            raise UsageError(
                f"networks are not trained on {noise.kind} noise yet, only on {' and '.join(TRAINING_KINDS)}"
            )
        if noise.kind == "camera" and channels != 3:
            raise UsageError(
                "camera noise is simulated in colour; train a colour network, which takes gray pictures too"
            )
    files = pictures(str(folder))
    if len(files) < 2:
        raise UsageError(f"{folder} has only one picture, and it takes two, as one is held out to measure progress")

    def source(chosen: Sequence[Path], device: torch.device, smallest: int, what: str) -> PatchSource:
        photos = read_photos(chosen, channels, job.white)
        return PatchSource(photos, expected=len(files), device=device, seed=recipe.seed, smallest=smallest, what=what)

    def objective(device: torch.device) -> SyntheticNoise:
        apart, rest = held_out(files, HELD_OUT, large_enough)
        return SyntheticNoise(
            source(rest, device, recipe.patch, "the pictures"),
            source(apart, device, HELD_OUT_SIDE, "the pictures, one of which is held out to measure progress,"),
            mixture,
            batch=distributed.share(recipe.batch),
            patch=recipe.patch,
            gray=recipe.gray,
            squared=recipe.loss == "l2",
            only_level=recipe.only == "level",
        )

    def large_enough(path: Path) -> bool:
        return any(min(photo.shape[:2]) >= HELD_OUT_SIDE for photo in read_photos([path], channels, job.white))

    def account(aim: SyntheticNoise) -> str:
        used = aim.photos.count + aim.held_out.count
        return f"{used} pictures of the folder {last_name(folder)}, {aim.held_out.count} of them held out"

    return fit(recipe, replace(job, files=tuple(files)), objective, account)


def read_photos(files: Sequence[Path], channels: int, white: float | None = None) -> Iterator[Samples]:
    """uint8 `[height, width, channels]` of each; gray by the weights of BT.601, as the gray test sets were made.

    `white`: see `formats.read`.
    """
    for path in files:
        try:
            image, _ = first_picture(path, white)
        except PictureError as error:
            raise PictureError(f"{error}; remove it from the folder") from error
        pixels = of_channels(visible(image), channels)
        if pixels.shape[2] == channels:
            yield as_8_bit(pixels)
