"""Gray and colour, as training takes them."""

from __future__ import annotations

import numpy as np

from denoise_cli.images.image import Pixels
from denoise_cli.noise.camera import LUMA


def of_channels(pixels: Pixels, channels: int) -> Pixels:
    """`[height, width, channels]` for 1 or 3: colour made gray, gray repeated; whatever else stays as it is."""
    if channels == 1 and pixels.shape[2] == 3:
        gray: Pixels = pixels @ np.array(LUMA, np.float32)[:, None]
        return gray
    return np.repeat(pixels, 3, axis=2) if channels == 3 and pixels.shape[2] == 1 else pixels
