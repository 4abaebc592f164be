"""Samples far beyond the rest of a picture, such as hot pixels and stars, which networks have never seen."""

from __future__ import annotations

import numpy as np

from denoise_cli.images.image import Pixels, Stored
from denoise_cli.noise.estimate import sample_patches

USUAL = -1.0, 2.0  # what noise makes of samples from black to white goes hardly further
RARE = 0.001  # the share of samples at either end that may lie far beyond the others


def usual_range(pixels: Pixels | Stored) -> tuple[float, float]:
    """Between which samples of a picture `[height, width, channels]`, 1.0 = white, a network should see all of it.

    What lies further beyond all samples but one in a thousand than these are from each other is to be cut off there, as
    a network would make rings of it.
    """
    if isinstance(pixels, Stored):
        form = pixels.form
        none_beyond = form.dtype.kind != "f" and form.white >= form.largest
    else:
        none_beyond = bool(USUAL[0] <= pixels.min() and pixels.max() <= USUAL[1])
    if none_beyond:
        return USUAL
    samples = sample_patches(pixels, multiple=1).ravel()
    rare = min(len(samples) - 1, int(RARE * len(samples)) + pixels.shape[2])  # a pixel at the least
    at = rare, len(samples) - 1 - rare
    ends = np.partition(samples, at)
    low, high = min(0.0, float(ends[at[0]])), max(1.0, float(ends[at[1]]))
    return low - (high - low), high + (high - low)
