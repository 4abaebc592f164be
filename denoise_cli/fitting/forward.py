"""What a network in training is told of the noise, and what it makes of patches."""

from __future__ import annotations

import torch

from denoise_cli.networks.blocks import Network, with_sigma
from denoise_cli.noise.draws import uniform
from denoise_cli.runtime.precision import autocast

JITTER = 0.8, 1.25  # factors on the level that a network in training is told, as in use it is no more than estimated


def jitter(count: int, random: torch.Generator, device: torch.device) -> torch.Tensor:
    """Factors `[count, 1, 1, 1]` that make true levels about right, as those are that a network is told in use."""
    return uniform(count, *JITTER, random, device)


def restored(network: Network, noisy: torch.Tensor, level: torch.Tensor | None = None) -> torch.Tensor:
    """A network's result on patches `[batch, channels, height, width]`, in float32.

    `level`: the noise's deviation, `[batch, 1, 1, 1]` or one a pixel, of which the first channel counts; it goes to
    networks that take one, which cannot do without.
    """
    x = noisy if level is None or not network.takes_sigma else with_sigma(noisy, level[:, :1])
    with autocast(noisy.device):
        result: torch.Tensor = network(x.contiguous(memory_format=torch.channels_last))
    return result.float()
