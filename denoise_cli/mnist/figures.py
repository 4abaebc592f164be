"""Pictures of the experiment: digits, and what values their pixels have."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from denoise_cli.images.image import Pixels
from denoise_cli.measure.figure import new_figure
from denoise_cli.places.files import replacing

BINS = 50  # of a histogram


def draw_digits(rows: Mapping[str, Pixels], path: Path) -> None:
    """A PNG: a row for each title, of digits `[count, 28, 28]`, 0..1."""
    figure = new_figure(9, 0.62 * len(rows))
    for axes, (title, digits) in zip(figure.subplots(len(rows), squeeze=False)[:, 0], rows.items(), strict=True):
        axes.imshow(np.concatenate(list(digits), axis=1), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axes.set_ylabel(title, rotation=0, ha="right", va="center", fontsize=9)
        axes.set_xticks([])
        axes.set_yticks([])
    with replacing(path) as file:
        figure.savefig(file, format="png", bbox_inches="tight")


def draw_histograms(values: Mapping[str, Pixels], path: Path) -> None:
    """A PNG: for each title how often pixels have which value, on a logarithmic scale."""
    figure = new_figure(2.7 * len(values), 2.6)
    for axes, (title, pixels) in zip(figure.subplots(1, len(values), squeeze=False)[0], values.items(), strict=True):
        axes.hist(np.clip(pixels, 0, 1).ravel(), bins=BINS, range=(0, 1), density=True, log=True, color="#3b6ea5")
        axes.set_title(title, fontsize=9)
        axes.set_ylim(1e-3, 60)
        axes.set_xlabel("value of a pixel", fontsize=8)
        axes.tick_params(labelsize=7)
    with replacing(path) as file:
        figure.savefig(file, format="png", bbox_inches="tight")
