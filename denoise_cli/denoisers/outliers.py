"""Samples far beyond the rest of a picture, such as hot pixels and stars, which networks have never seen."""

from __future__ import annotations

import numpy as np

from denoise_cli.images.image import Pixels, Stored, bands
from denoise_cli.noise.estimate import sample_patches

USUAL = -1.0, 2.0  # what noise makes of samples from black to white goes hardly further
RARE = 0.001  # the share of samples at either end that may lie far beyond the others


def usual_range(pixels: Pixels | Stored) -> tuple[float, float] | None:
    """Between which samples of a picture `[height, width, channels]`, 1.0 = white, a network should see all of it.

    None where all samples lie there. What lies further beyond all samples but one in a thousand than these are from
    each other is to be cut off there, as a network would make rings of it.
    """
    if isinstance(pixels, Stored):
        form = pixels.form
        none_beyond = form.dtype.kind != "f" and form.white >= form.largest
    else:
        rows = (pixels[some] for some in bands(pixels.shape[0]))  # which stay in the cache from the one to the other
        none_beyond = all(USUAL[0] <= part.min() and part.max() <= USUAL[1] for part in rows)
    if none_beyond:
        return None
    samples = sample_patches(pixels, multiple=1).ravel()
    rare = min(len(samples) - 1, int(RARE * len(samples)) + pixels.shape[2])  # a pixel at the least
    at = rare, len(samples) - 1 - rare
    ends = np.partition(samples, at)
    low, high = min(0.0, float(ends[at[0]])), max(1.0, float(ends[at[1]]))
    return low - (high - low), high + (high - low)


def within(part: Pixels, low: float, high: float) -> Pixels:
    """The same pixels, if none lies beyond; otherwise a copy."""
    return part if low <= part.min() and part.max() <= high else part.clip(low, high)
