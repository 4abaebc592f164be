"""The noise level that a network is told, where the user tells none."""

from __future__ import annotations

import numpy as np
import torch

from denoise_cli.errors import NO_NUMBERS, PictureError
from denoise_cli.images.image import Pixels, Stored
from denoise_cli.networks.blocks import Network
from denoise_cli.networks.level import as_white
from denoise_cli.noise.coarseness import coarseness
from denoise_cli.noise.estimate import cells_that_tell, estimate_sigma, sample_patches
from denoise_cli.noise.measure import noise_in_flat_parts

FAR = 1.0  # how far below black and above white samples still say something: a firefly is no noise
LIGHTS, DIM = 0.999, 1 / 8  # the share of samples below a picture's lights, and lights that are too faint
LEARNT = 55 / 255  # the strongest noise that estimators are trained on
GRAY = np.float32(0.5)  # the middle of the scale
MOST_GAIN = 1 << 12  # so that 8 of 65535, a few photons in a file of 16 bits, is seen as half of white


def judged_levels(network: Network, pixels: Pixels | Stored, channels: int) -> tuple[float, ...]:
    """The noise's deviation at brightness from 0 to 1, evenly spaced, 0..255 scale; one where that is all that counts.

    From up to 64 patches all over a picture `[height, width, channels]`, 1.0 = white. White noise that depends on
    brightness, as that of few photons does, is measured in their flat parts. Other noise is judged by the network, if
    it has learnt to: the mean of what it says where the picture is not just black or white, told as the deviation of
    white noise; otherwise by wavelets. A picture that uses the lowest part of its scale only, as 12 bits in 16 do, is
    judged as if it used all.
    `channels`: that the network takes. Raises PictureError where samples that are no numbers are among those.
    """
    patches = sample_patches(pixels, multiple=network.multiple)
    if np.isnan(patches).any():
        raise PictureError(NO_NUMBERS)
    gain = _gain(patches)
    patches = np.clip(gain * patches, -FAR, 1 + FAR)
    facts = noise_in_flat_parts(list(patches.transpose(0, 2, 3, 1)))
    if facts.white and facts.uneven:
        return facts.levels_before(gain)
    if network.level is None:
        return (estimate_sigma(pixels),)
    if pixels.shape[2] != channels:
        patches = patches.reshape(-1, 1, *patches.shape[2:]).repeat(channels, axis=1)
    telling = cells_that_tell(patches)
    some = telling.any(axis=(1, 2))
    if not some.any():
        return (0.0,)
    patches, telling = patches[some], telling[some]
    sigma = _deviation(network.level, patches, telling)
    white = as_white(torch.tensor(sigma), coarseness(patches, sigma))
    return (min(255.0, float(white) * 255) / gain,)


@torch.inference_mode()
def _deviation(estimator: torch.nn.Module, patches: Pixels, telling: np.ndarray) -> float:
    """The mean of what it says, 1.0 = white. It exaggerates noise that is stronger than all that it was trained on
    (sigma 100 is 135 to it), and is shown that with less contrast.
    """
    for contrast in (1, 1 / 2, 1 / 4, 1 / 8):
        shown = patches if contrast == 1 else (patches - GRAY) * np.float32(contrast) + GRAY
        sigma = float(estimator(torch.from_numpy(shown), torch.from_numpy(telling)).mean())
        if sigma <= LEARNT:
            break
    return sigma / contrast


def _gain(patches: Pixels) -> int:
    """A power of two, with which a dim picture's lights are half as bright as white or more; 1 for others."""
    lights = float(np.quantile(patches, LIGHTS))
    return min(MOST_GAIN, 2 ** int(np.log2(1 / lights))) if 0 < lights < DIM else 1
