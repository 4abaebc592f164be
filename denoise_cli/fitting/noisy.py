"""Synthetic noise on training patches, on the training device."""

from __future__ import annotations

import torch

from denoise_cli.noise.spec import NoiseRange


def add_noise(clean: torch.Tensor, noise: NoiseRange, random: torch.Generator) -> torch.Tensor:
    """Unclipped noise on float `[batch, channels, height, width]`, 1.0 = white; every patch has a level of its own.

    The levels of a batch are spread evenly over the range (stratified, in random places): batch norms then see nearly
    the same statistics in every batch. The generator is one of the CPU, so that a seed means the same on every device.
    """
    places = (torch.randperm(len(clean), generator=random) + torch.rand(len(clean), generator=random)) / len(clean)
    levels = (noise.low + (noise.high - noise.low) * places).reshape(-1, 1, 1, 1) / 255
    return clean + (torch.randn(clean.shape, generator=random) * levels).to(clean.device)
