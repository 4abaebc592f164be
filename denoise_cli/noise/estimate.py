"""How much noise a picture has."""

from __future__ import annotations

import numpy as np

from denoise_cli.images.image import Pixels

ENOUGH = 2048  # pixels a side; more would only take longer


def estimate_sigma(pixels: Pixels) -> float:
    """The standard deviation of white Gaussian noise, on the 0..255 scale, from `[height, width, channels]`.

    The median absolute deviation of the finest diagonal wavelet coefficients (Donoho & Johnstone 1994), the mean over
    channels; of the middle of large pictures. Pictures too small to tell count as clean.
    """
    from skimage.restoration import estimate_sigma as mad_of_wavelets

    height, width = pixels.shape[:2]
    if min(height, width) < 4:
        return 0.0
    top, left = max(0, (height - ENOUGH) // 2), max(0, (width - ENOUGH) // 2)
    middle = pixels[top : top + ENOUGH, left : left + ENOUGH]
    sigmas = [mad_of_wavelets(middle[:, :, channel]) for channel in range(pixels.shape[2])]
    return float(np.mean(sigmas)) * 255
