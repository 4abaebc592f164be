"""Pixels that must not take part: colours under full transparency, and samples that are no numbers or mark none."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from denoise_cli.images.image import LARGEST_LIGHT, Canvas, Image, Pixels, Samples, Stored, bands, to_samples

Mask = npt.NDArray[np.bool_]


def hidden(image: Image) -> Mask | None:
    """Bool `[height, width]`: where a picture is fully transparent or has no usable numbers; None if nowhere."""
    mask: Mask | None = None
    if image.alpha is not None and not image.alpha.all():
        mask = np.asarray(image.alpha == 0, np.bool_)
    if image.format.dtype.kind == "f":
        usable = np.empty(image.shape[:2], np.bool_)
        for rows in bands(image.shape[0]):
            usable[rows] = (np.abs(image.source[rows, :]) < LARGEST_LIGHT).all(axis=2)  # which no NaN is
        if not usable.all():
            mask = np.asarray(~usable if mask is None else mask | ~usable, np.bool_)
    if image.missing is not None and isinstance(image.source, Stored):
        gone = np.empty(image.shape[:2], np.bool_)
        for rows in bands(image.shape[0]):
            gone[rows] = (image.source.samples[rows] == image.missing).all(axis=2)
        if gone.any():
            mask = gone if mask is None else np.asarray(mask | gone, np.bool_)
    return mask


def filled(pixels: Samples, mask: Mask) -> Samples:
    """Pixels, or samples, with each masked one replaced by the nearest that is not; 0 where all are masked."""
    if mask.all():
        return np.zeros_like(pixels)
    from scipy.ndimage import distance_transform_edt  # a fifth of a second, which most pictures need not wait for

    rows, columns = distance_transform_edt(mask, return_distances=False, return_indices=True)
    return np.asarray(pixels[rows, columns])


def visible(image: Image) -> Pixels:
    """A picture's pixels, hidden ones replaced by what is beside them."""
    mask = hidden(image)
    return image.pixels if mask is None else filled(image.pixels, mask)


def restore(result: Canvas | Pixels, original: Pixels | Stored, mask: Mask) -> None:
    """Puts the masked pixels back as they were, their very samples where both have the same kind."""
    if isinstance(result, np.ndarray):
        result[mask] = original[:, :][mask]
    elif isinstance(original, Stored) and original.form == result.form:
        result.samples[mask] = original.samples[mask]
    else:
        result.samples[mask] = to_samples(original, result.form)[mask]
