"""The plain convolutional network: the article's baseline."""

from __future__ import annotations

import torch
from torch import nn

from denoise_cli.networks.blocks import DEEPEST, WIDEST, Network, check, conv


class CNN(Network):
    """A stack of 3x3 convolutions with ReLU between them; no skip connection, no norm.

    Input and output: float `[batch, channels, height, width]`, 1.0 = white.
    """

    skips = False

    def __init__(self, channels: int = 3, filters: int = 64, layers: int = 8) -> None:
        super().__init__()
        check(1, WIDEST, channels=channels, filters=filters)
        check(2, DEEPEST, layers=layers)
        body: list[nn.Module] = [conv(channels, filters), nn.ReLU(inplace=True)]
        for _ in range(layers - 2):
            body += [conv(filters, filters), nn.ReLU(inplace=True)]
        self.body = nn.Sequential(*body, conv(filters, channels))
        self.radius = layers

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        clean: torch.Tensor = self.body(x)
        return clean
