"""How near a result comes to the clean picture."""

from __future__ import annotations

import math

import numpy as np

from denoise_cli.images.image import Pixels, Samples


def as_8_bit(pixels: Pixels) -> Samples:
    """Rounded to 0..255 and clipped, as a saved picture would be; NaN becomes 0."""
    return np.rint(np.clip(np.nan_to_num(pixels), 0, 1) * 255).astype(np.uint8)


def psnr(result: Pixels, clean: Pixels) -> float:
    """Peak signal-to-noise ratio in dB of pictures `[height, width, channels]`, 8-bit rounded, no border cropped."""
    difference = as_8_bit(result).astype(np.float64) - as_8_bit(clean)
    error = float(np.mean(difference**2))
    return float("inf") if error == 0 else 10 * float(np.log10(255**2 / error))


def ssim(result: Pixels, clean: Pixels) -> float:
    """Structural similarity (Wang et al. 2004) with its Gaussian window, the mean over channels, 8-bit rounded."""
    from skimage.metrics import structural_similarity

    return float(
        structural_similarity(
            as_8_bit(clean),
            as_8_bit(result),
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
            channel_axis=2,
        )
    )


def finite(ratio: float | None) -> float | None:
    """None for the infinite PSNR of equals, which JSON cannot say."""
    return ratio if ratio is not None and math.isfinite(ratio) else None
