"""Pixels that must not take part: colours under full transparency, and samples that are no numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt

from denoise_cli.images.image import Image, Pixels

Mask = npt.NDArray[np.bool_]


def hidden(image: Image) -> Mask | None:
    """Bool `[height, width]`: where a picture is fully transparent or not finite; None where it is so nowhere."""
    mask: Mask | None = None
    if image.alpha is not None and not image.alpha.all():
        mask = np.asarray(image.alpha == 0, np.bool_)
    if image.format.dtype.kind == "f" and not np.isfinite(image.pixels).all():
        broken = np.asarray(~np.isfinite(image.pixels).all(axis=2))
        mask = broken if mask is None else np.logical_or(mask, broken)
    return mask


def filled(pixels: Pixels, mask: Mask) -> Pixels:
    """The pixels with each masked one replaced by the nearest that is not; black where all are masked."""
    if mask.all():
        return np.zeros_like(pixels)
    rows, columns = distance_transform_edt(mask, return_distances=False, return_indices=True)
    return np.asarray(pixels[rows, columns])


def restored(result: Pixels, original: Pixels, mask: Mask) -> Pixels:
    """The result with the masked pixels as they were."""
    return np.where(mask[:, :, None], original, result)
