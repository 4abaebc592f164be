"""Pixels that must not take part: colours under full transparency, and samples that are no numbers or mark none."""

from __future__ import annotations

from typing import overload

import numpy as np
import numpy.typing as npt

from denoise_cli.images.image import LARGEST_LIGHT, Canvas, Image, Pixels, Samples, Stored, bands, to_samples

Mask = npt.NDArray[np.bool_]
NEAR = 8  # pixels: within the cells beside black ones, in which noise is not judged (`noise.estimate.BESIDE`)


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


@overload
def filled(source: Pixels, mask: Mask) -> Pixels: ...
@overload
def filled(source: Stored, mask: Mask) -> Stored: ...
def filled(source: Pixels | Stored, mask: Mask) -> Pixels | Stored:
    """A picture with each masked pixel replaced by the nearest that is not, or by black where none is near.

    What is smeared far would be taken for grain where the noise is judged, and what is black is not.
    """
    if not isinstance(source, Stored):
        return _filled(source, mask, 0)
    black = to_samples(np.zeros((1, 1, 1), np.float32), source.form).item()
    return Stored(_filled(source.samples, mask, black), source.form)


def _filled(samples: Samples, mask: Mask, far: float) -> Samples:
    if mask.all():
        return np.full_like(samples, far)
    from scipy.ndimage import distance_transform_edt  # a fifth of a second, which most pictures need not wait for

    rows, columns = distance_transform_edt(mask, return_distances=False, return_indices=True)
    result: Samples = samples[rows, columns]
    for band in bands(len(mask)):
        down = rows[band] - np.arange(len(mask))[band, None]
        across = columns[band] - np.arange(mask.shape[1])
        result[band][down**2 + across**2 > NEAR**2] = far
    return result


def visible(image: Image, far: float = 0.0) -> Pixels:
    """A picture's pixels, hidden ones replaced by what is beside them, or by `far` where nothing is near."""
    mask = hidden(image)
    return image.pixels if mask is None else _filled(image.pixels, mask, far)


def restore(result: Canvas | Pixels, original: Pixels | Stored, mask: Mask) -> None:
    """Puts the masked pixels back as they were, their very samples where both have the same kind."""
    if isinstance(result, np.ndarray):
        result[mask] = original[:, :][mask]
    elif isinstance(original, Stored) and original.form == result.form:
        result.samples[mask] = original.samples[mask]
    else:
        result.samples[mask] = to_samples(original, result.form)[mask]
