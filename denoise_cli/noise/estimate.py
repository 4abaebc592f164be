"""How much noise a picture has."""

from __future__ import annotations

import numpy as np

from denoise_cli.errors import NO_NUMBERS, PictureError
from denoise_cli.images.image import Pixels, Stored
from denoise_cli.noise.measure import at_the_ends

ENOUGH = 2048  # pixels a side; more would only take longer
PATCH, PATCHES_A_SIDE = 128, 8  # of those that speak for a picture
NORMAL_MAD = 0.6745  # the median of |x| of a standard normal x
CELL = 8  # pixels a side, as a place of the networks' estimate has (`networks.level`)
BESIDE = 2  # cells around a silent one, which see it
FEWEST = 0.05  # the share of cells that noise is judged by
ALL, PAPER = 0.95, 1 / 3  # of cells that tell, and of white pixels in them: more than a third is paper with ink on it


def estimate_sigma(pixels: Pixels | Stored) -> float:
    """The standard deviation of white Gaussian noise, on the 0..255 scale, from `[height, width, channels]`.

    The median absolute deviation of the finest diagonal wavelet coefficients (Donoho & Johnstone 1994), the mean over
    channels; of the middle of large pictures. Pictures too small to tell count as clean. Raises PictureError where
    samples that are no numbers hide it.
    """
    import pywt

    height, width = pixels.shape[:2]
    if min(height, width) < 4:
        return 0.0
    top, left = max(0, (height - ENOUGH) // 2), max(0, (width - ENOUGH) // 2)
    middle = pixels[top : top + ENOUGH, left : left + ENOUGH].transpose(2, 0, 1)
    telling = cells_that_tell(middle[None])[0]
    if not telling.any():
        return 0.0
    sigmas = []
    for channel in middle:
        _, (_, _, diagonal) = pywt.dwt2(channel, "db2")
        cells = [
            np.clip((2 * np.arange(length) - 1) // CELL, 0, count - 1)
            for length, count in zip(diagonal.shape, telling.shape, strict=True)
        ]
        here = telling[np.ix_(*cells)]
        sigmas.append(float(np.median(np.abs(diagonal[here]))) / NORMAL_MAD)
    sigma = float(np.mean(sigmas))
    if np.isnan(sigma):
        raise PictureError(NO_NUMBERS)
    return min(255.0, sigma * 255)


def cells_that_tell(patches: Pixels) -> np.ndarray:
    """Which cells of 8 x 8 pixels show their noise: bool `[count, height / 8, width / 8]`, rounded up.

    Those that are black or white throughout, as in bars, margins and blown-out skies, have none left and say nothing
    about the rest. None tells where hardly any cell is neither that nor beside one, nor on a page with text, which
    stays as it is.
    `patches`: `[count, channels, height, width]`, 1.0 = white.
    """
    from scipy.ndimage import maximum_filter

    silent = _by_cell(np.all(at_the_ends(patches), axis=1)) == 1
    around = 2 * BESIDE + 1
    telling: np.ndarray = ~maximum_filter(silent, (1, around, around), mode="nearest")
    share = telling.mean()
    text = share < FEWEST or (share < ALL and _by_cell(np.all(patches == 1, axis=1))[telling].mean() > PAPER)
    return np.zeros_like(telling) if text else telling


def _by_cell(mask: np.ndarray) -> np.ndarray:
    """The share of each cell, `[count, height / 8, width / 8]`, where a mask `[count, height, width]` is true."""
    short = [-length % CELL for length in mask.shape[1:]]
    whole = np.pad(mask, ((0, 0), (0, short[0]), (0, short[1])), mode="edge")
    count, height, width = whole.shape
    share: np.ndarray = whole.reshape(count, height // CELL, CELL, width // CELL, CELL).mean(axis=(2, 4))
    return share


def sample_patches(pixels: Pixels | Stored, *, multiple: int) -> Pixels:
    """Square patches `[count, channels, side, side]` from an even grid over a picture `[height, width, channels]`.

    A picture that is smaller than a patch is continued by its mirror image to a multiple of `multiple` pixels.
    """
    short = [max(0, -(-min(PATCH, length) // multiple) * multiple - length) for length in pixels.shape[:2]]
    pixels = np.pad(pixels[:, :], ((0, short[0]), (0, short[1]), (0, 0)), mode="symmetric") if any(short) else pixels
    size = [min(PATCH, length // multiple * multiple) for length in pixels.shape[:2]]
    corners = [
        np.unique(np.linspace(0, length - side, min(PATCHES_A_SIDE, -(-length // side))).round().astype(int))
        for length, side in zip(pixels.shape[:2], size, strict=True)
    ]
    return np.stack(
        [
            pixels[top : top + size[0], left : left + size[1]].transpose(2, 0, 1)
            for top in corners[0]
            for left in corners[1]
        ]
    )
