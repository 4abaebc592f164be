"""The architectures, plain `torch.nn`, one a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from denoise_cli.networks.blocks import LARGEST_MULTIPLE, LARGEST_RADIUS, Network
from denoise_cli.networks.cae import CAE
from denoise_cli.networks.cnn import CNN
from denoise_cli.networks.dncnn import DnCNN
from denoise_cli.networks.profiled import Profiled
from denoise_cli.networks.stabilised import Stabilised
from denoise_cli.networks.unet import UNet
from denoise_cli.networks.win5rb import Win5RB

ARCHITECTURES: dict[str, type[Network]] = {
    "cnn": CNN,
    "cae": CAE,
    "dncnn": DnCNN,
    "win5rb": Win5RB,
    "unet": UNet,
    "profiled": Profiled,
    "stabilised": Stabilised,
}


def build(architecture: str, arguments: Mapping[str, Any]) -> Network:
    """A network with random weights, in training mode.

    Raises ValueError for an unknown architecture, arguments that it does not take, or a network that would need too
    much around a picture.
    """
    if architecture not in ARCHITECTURES:
        raise ValueError(f"unknown architecture {architecture!r}; there are {', '.join(sorted(ARCHITECTURES))}")
    try:
        network = ARCHITECTURES[architecture](**arguments)
    except TypeError as error:
        raise ValueError(f"{architecture} does not take these arguments: {error}") from error
    if network.multiple > LARGEST_MULTIPLE or network.radius > LARGEST_RADIUS:
        raise ValueError(
            f"{architecture} would need sides that are multiples of {network.multiple} pixels and a margin of "
            f"{network.radius}; {LARGEST_MULTIPLE} and {LARGEST_RADIUS} are the most there may be"
        )
    return network


def parameters(network: nn.Module) -> int:
    """How many numbers are learnt."""
    return sum(p.numel() for p in network.parameters())


@torch.inference_mode()
def macs_per_pixel(network: Network, channels: int) -> int:
    """Multiply-adds of all convolutions for one pixel of a large picture."""
    side = -(-64 // network.multiple) * network.multiple
    total = 0

    def count(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal total
        assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
        each = inputs[0] if isinstance(layer, nn.ConvTranspose2d) else output
        total += each.shape[0] * each.shape[2] * each.shape[3] * layer.weight.numel()

    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    network(torch.zeros(1, channels + network.takes_sigma, side, side))
    for hook in hooks:
        hook.remove()
    return round(total / side**2)
