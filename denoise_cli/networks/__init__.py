"""The architectures, plain `torch.nn`, one a file."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from denoise_cli.networks.blocks import Network
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

# Card and arguments may come from a stranger.
LARGEST_ARGUMENT, DEEPEST, SCALES = 4096, 256, 16  # of filters; of layers and blocks; of a network's widths


def build(architecture: str, arguments: Mapping[str, Any]) -> Network:
    """A network with random weights, in training mode.

    Raises ValueError for an unknown architecture or arguments it does not take.
    """
    if architecture not in ARCHITECTURES:
        raise ValueError(f"unknown architecture {architecture!r}; there are {', '.join(sorted(ARCHITECTURES))}")
    network = ARCHITECTURES[architecture]
    _check(architecture, arguments)
    try:
        inspect.signature(network).bind(**arguments)
    except TypeError as error:
        raise ValueError(f"{architecture} does not take these arguments: {error}") from None
    return network(**arguments)


def _check(architecture: str, arguments: Mapping[str, Any]) -> None:
    for name, value in arguments.items():
        if type(value) is int and not 1 <= value <= (DEEPEST if name in ("layers", "blocks") else LARGEST_ARGUMENT):
            raise ValueError(f"{architecture} cannot have {name} of {value}")
        if name == "widths" and isinstance(value, Sequence) and len(value) > SCALES:
            raise ValueError(f"{architecture} cannot have {len(value)} {name}")
        if isinstance(value, Mapping):
            _check(architecture, value)


def parameters(network: nn.Module) -> int:
    """How many numbers are learnt."""
    return sum(p.numel() for p in network.parameters())


@torch.inference_mode()
def macs_per_pixel(network: Network, channels: int) -> int:
    """Multiply-adds of all convolutions for one pixel of a large picture."""
    side = 64
    total = 0

    def count(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal total
        assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
        each = inputs[0] if isinstance(layer, nn.ConvTranspose2d) else output
        total += each.shape[2] * each.shape[3] * layer.weight.numel()

    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    network(torch.zeros(1, channels + network.takes_sigma, side, side))
    for hook in hooks:
        hook.remove()
    return round(total / side**2)
