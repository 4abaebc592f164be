"""The convolutional autoencoder."""

from __future__ import annotations

import torch
from torch import nn

from denoise_cli.networks.blocks import WIDEST, Network, check, conv


class CAE(Network):
    """Convolutional autoencoder: two strided 3x3 convolutions down, two nearest-neighbour upsamplings back.

    The picture passes a bottleneck at a quarter of its size and nothing goes round it, so fine detail is lost
    together with the noise: that is what the article compares the residual networks with.
    Upsampling followed by a convolution avoids the checkerboard of transposed convolutions (Odena et al. 2016).

    Input and output: float `[batch, channels, height, width]`, 1.0 = white, height and width multiples of 4.
    """

    multiple = 4
    skips = False
    # 1 + 1 + 2 for the decoder's convolutions, as much for the encoder's, and 3 for where in its 4 x 4 cell a pixel
    # lies. Tests measure it; a margin may exceed it, never fall short.
    radius = 11

    def __init__(self, channels: int = 3, filters: int = 64) -> None:
        super().__init__()
        check(1, WIDEST, channels=channels, filters=filters)
        relu = nn.ReLU(inplace=True)
        self.encoder = nn.Sequential(
            conv(channels, filters), relu,
            conv(filters, filters, stride=2), relu,
            conv(filters, filters, stride=2), relu,
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.Upsample(scale_factor=2), conv(filters, filters), relu,
            nn.Upsample(scale_factor=2), conv(filters, filters), relu,
            conv(filters, channels),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        clean: torch.Tensor = self.decoder(self.encoder(x))
        return clean
