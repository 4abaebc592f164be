"""U-Net for Gaussian noise of a given level, made for quality per operation."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from denoise_cli.networks.blocks import DEEPEST, WIDEST, Network, check, conv
from denoise_cli.networks.level import LevelEstimator

SHUFFLE = 2  # the first scale is half the picture's, as in FFDNet (Zhang et al. 2018)
MOST_SCALES = 8  # as many as `blocks.LARGEST_MULTIPLE` has room for


class Block(nn.Module):
    """Two 3x3 convolutions around a ReLU, added to the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(width, width, bias=False), nn.ReLU(inplace=True), conv(width, width, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        residual: torch.Tensor = self.body(x)
        return x + residual


class Scales(nn.Module):
    """From input to residual: down to the coarsest scale and up again, each scale added to what comes from below."""

    def __init__(self, inputs: int, outputs: int, widths: Sequence[int], blocks: int) -> None:
        super().__init__()
        steps = list(pairwise(widths))
        self.head = conv(SHUFFLE**2 * inputs, widths[0], bias=False)
        self.encoders = nn.ModuleList(_blocks(width, blocks) for width in widths[:-1])
        self.downs = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2, bias=False) for fine, coarse in steps)
        self.body = _blocks(widths[-1], blocks)
        self.ups = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2, bias=False) for fine, coarse in steps)
        self.decoders = nn.ModuleList(_blocks(width, blocks) for width in widths[:-1])
        self.tail = conv(widths[0], SHUFFLE**2 * outputs, bias=False)
        nn.init.zeros_(self.tail.weight)  # training starts from the identity

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        fine: list[torch.Tensor] = []
        y = self.head(F.pixel_unshuffle(x, SHUFFLE))
        for encoder, down in zip(self.encoders, self.downs, strict=True):
            fine.append(encoder(y))
            y = down(fine[-1])
        y = self.body(y)
        for up, decoder in zip(reversed(self.ups), reversed(self.decoders), strict=True):
            y = decoder(up(y).add_(fine.pop()))  # in place: one tensor less at the peak
        return F.pixel_shuffle(self.tail(y), SHUFFLE)


class UNet(Network):
    """Residual blocks at 1/2, 1/4, 1/8 of the picture's size, `widths` filters each, as in DRUNet (Zhang et al. 2021).

    No bias and no norm between input and output: the output scales with the input, so that the network holds outside
    the levels it was trained on (Mohan et al. 2020).

    Input: float `[batch, channels + 1, height, width]`, 1.0 = white, the last channel being the noise's standard
    deviation on the same scale. Output: `[batch, channels, height, width]`. With `estimates`, `level` is a network that
    judges that deviation.
    """

    takes_sigma = True

    def __init__(
        self, channels: int = 3, widths: Sequence[int] = (96, 192, 256), blocks: int = 2, estimates: bool = False
    ) -> None:
        super().__init__()
        if not 1 <= len(widths) <= MOST_SCALES:
            raise ValueError(f"unet cannot have {len(widths)} widths, only 1 to {MOST_SCALES}")
        for width in widths:
            check(1, WIDEST, widths=width)
        check(1, WIDEST, channels=channels)
        check(1, DEEPEST, blocks=blocks)
        self.channels = channels
        self.scales = Scales(channels + 1, channels, widths, blocks)
        self.level = LevelEstimator(channels) if estimates else None
        *finer, coarsest = (SHUFFLE * 2**scale for scale in range(len(widths)))
        self.multiple = coarsest
        # A pixel's way down and up again by 3x3 convolutions, and the places a cell of the coarsest grid has for it.
        self.radius = 2 * SHUFFLE + 2 * blocks * (2 * sum(finer) + coarsest) + coarsest - 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        residual: torch.Tensor = self.scales(x)
        return x[:, : self.channels] + residual


def _blocks(width: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(Block(width) for _ in range(count)))
