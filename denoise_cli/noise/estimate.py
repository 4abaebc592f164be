"""How much noise a picture has."""

from __future__ import annotations

import numpy as np

from denoise_cli.images.image import Pixels, Stored

ENOUGH = 2048  # pixels a side; more would only take longer
PATCH, PATCHES_A_SIDE = 128, 8  # of those that speak for a picture
NORMAL_MAD = 0.6745  # the median of |x| of a standard normal x


def estimate_sigma(pixels: Pixels | Stored) -> float:
    """The standard deviation of white Gaussian noise, on the 0..255 scale, from `[height, width, channels]`.

    The median absolute deviation of the finest diagonal wavelet coefficients (Donoho & Johnstone 1994), the mean over
    channels; of the middle of large pictures. Pictures too small to tell count as clean.
    """
    import pywt

    height, width = pixels.shape[:2]
    if min(height, width) < 4:
        return 0.0
    top, left = max(0, (height - ENOUGH) // 2), max(0, (width - ENOUGH) // 2)
    middle = pixels[top : top + ENOUGH, left : left + ENOUGH]
    sigmas = []
    for channel in range(middle.shape[2]):
        _, (_, _, diagonal) = pywt.dwt2(middle[:, :, channel], "db2")
        sizes = np.abs(diagonal)
        sizes = sizes[sizes > 1e-6]  # clipped areas have no noise and say nothing about it
        sigmas.append(float(np.median(sizes)) / NORMAL_MAD if sizes.size else 0.0)
    return float(np.mean(sigmas)) * 255


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
