"""DnCNN: Zhang et al., "Beyond a Gaussian Denoiser", IEEE TIP 2017."""

from __future__ import annotations

import torch
from torch import nn

from denoise_cli.networks.blocks import DEEPEST, WIDEST, Network, check, conv, conv_bn


class DnCNN(Network):
    """Residual learning with batch norm: the network predicts the noise, which is subtracted from the input.

    As in the paper: 64 filters of 3x3 in 20 layers (DnCNN-B, for noise of any level; 17 make the one for a known
    level): convolution and ReLU, then convolution, batch norm and ReLU, last a plain convolution.

    Input and output: float `[batch, channels, height, width]`, 1.0 = white.
    """

    def __init__(self, channels: int = 3, filters: int = 64, layers: int = 20) -> None:
        super().__init__()
        check(1, WIDEST, channels=channels, filters=filters)
        check(2, DEEPEST, layers=layers)
        body: list[nn.Module] = [conv(channels, filters), nn.ReLU(inplace=True)]
        for _ in range(layers - 2):
            body += [*conv_bn(filters, filters), nn.ReLU(inplace=True)]
        last = conv(filters, channels, bias=False)
        nn.init.zeros_(last.weight)  # training starts from the identity
        self.body = nn.Sequential(*body, last)
        self.radius = layers

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        noise: torch.Tensor = self.body(x)
        return x - noise
