"""The noise level that a network is told, where the user tells none."""

from __future__ import annotations

import torch

from denoise_cli.images.image import Pixels, Stored
from denoise_cli.networks.blocks import Network
from denoise_cli.networks.level import as_white
from denoise_cli.noise.coarseness import coarseness
from denoise_cli.noise.estimate import estimate_sigma, sample_patches
from denoise_cli.noise.measure import noise_in_flat_parts


def judged_levels(network: Network, pixels: Pixels | Stored, channels: int) -> tuple[float, ...]:
    """The noise's deviation at brightness from 0 to 1, evenly spaced, 0..255 scale; one where that is all that counts.

    From up to 64 patches all over a picture `[height, width, channels]`, 1.0 = white. White noise that depends on
    brightness, as that of few photons does, is measured in their flat parts. Other noise is judged by the network, if
    it has learnt to: the mean of what it says, told as the deviation of white noise; otherwise by wavelets.
    `channels`: that the network takes.
    """
    patches = sample_patches(pixels, multiple=network.multiple)
    facts = noise_in_flat_parts(list(patches.transpose(0, 2, 3, 1)))
    if facts.white and facts.uneven:
        return facts.levels
    if network.level is None:
        return (estimate_sigma(pixels),)
    if pixels.shape[2] != channels:
        patches = patches.reshape(-1, 1, *patches.shape[2:]).repeat(channels, axis=1)
    with torch.inference_mode():
        sigma: torch.Tensor = network.level(torch.from_numpy(patches)).mean()
        return (float(as_white(sigma, coarseness(patches, float(sigma)))) * 255,)
