"""DnCNN: Zhang et al., "Beyond a Gaussian Denoiser", IEEE TIP 2017."""

from __future__ import annotations

import torch
from torch import nn

from denoise_cli.networks.blocks import Network, conv, conv_bn


class DnCNN(Network):
    """Residual learning with batch norm: the network predicts the noise, which is subtracted from the input.

    As in the paper: 17 layers for gray and 20 for colour (blind) pictures unless `layers` says otherwise,
    64 filters of 3x3: convolution and ReLU, then convolution, batch norm and ReLU, last a plain convolution.

    Input and output: float `[batch, channels, height, width]`, 1.0 = white.
    """

    def __init__(self, channels: int = 3, filters: int = 64, layers: int | None = None) -> None:
        super().__init__()
        depth = layers if layers is not None else (17 if channels == 1 else 20)
        body: list[nn.Module] = [conv(channels, filters), nn.ReLU(inplace=True)]
        for _ in range(depth - 2):
            body += [*conv_bn(filters, filters), nn.ReLU(inplace=True)]
        self.body = nn.Sequential(*body, conv(filters, channels, bias=False))
        self.radius = depth

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        noise: torch.Tensor = self.body(x)
        return x - noise
