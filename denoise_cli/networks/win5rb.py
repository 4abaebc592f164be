"""Win5-RB: Liu & Fang, "Wide Inference Network for Image Denoising via Learning Pixel-distribution Prior", 2017."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from denoise_cli.networks.blocks import WIDEST, Network, check, conv_bn

KERNEL = 7
LAYERS = 5


class Win5RB(Network):
    """Few but wide layers: five of 7x7, 128 filters each, "R" with a skip over all, "B" with batch norm.

    Convolution, batch norm and ReLU four times, then convolution and batch norm, added to the input.

    `dilations` gives the three middle layers 3x3 kernels with these dilations (1 to 3) instead of 7x7 ones:
    a fifth of the work, and nine of the 49 taps of the full network, which `widened` makes of it unchanged.

    Input and output: float `[batch, channels, height, width]`, 1.0 = white.
    """

    def __init__(self, channels: int = 3, filters: int = 128, dilations: Sequence[int] | None = None) -> None:
        super().__init__()
        check(1, WIDEST, channels=channels, filters=filters)
        middle = LAYERS - 2
        if dilations is not None and len(dilations) != middle:
            raise ValueError(f"win5rb takes {middle} dilations, not {len(dilations)}")
        for dilation in dilations or ():
            check(1, KERNEL // 2, dilations=dilation)
        kernel = KERNEL if dilations is None else 3
        steps = [1] * middle if dilations is None else list(dilations)
        body: list[nn.Module] = [*conv_bn(channels, filters, KERNEL), nn.ReLU(inplace=True)]
        for dilation in steps:
            body += [*conv_bn(filters, filters, kernel, dilation=dilation), nn.ReLU(inplace=True)]
        last, norm = conv_bn(filters, channels, KERNEL)
        nn.init.zeros_(norm.weight)  # training starts from the identity (Goyal et al. 2017)
        self.body = nn.Sequential(*body, last, norm)
        self.radius = 2 * (KERNEL // 2) + sum(dilation * (kernel // 2) for dilation in steps)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        residual: torch.Tensor = self.body(x)
        return x + residual


def widened(state: dict[str, torch.Tensor], dilations: Sequence[int]) -> dict[str, torch.Tensor]:
    """The full 7x7 network's tensors that compute what those of a network with `dilations` compute.

    Each dilated 3x3 kernel is laid into a 7x7 kernel, zero elsewhere. Training starts here at a fifth of the
    cost of the full network and goes on with all 49 taps.
    """
    wide = dict(state)
    for layer, dilation in enumerate(dilations, start=1):
        key = f"body.{3 * layer}.weight"
        small = state[key]
        full = small.new_zeros(*small.shape[:2], KERNEL, KERNEL)
        first = KERNEL // 2 - dilation
        full[:, :, first : KERNEL - first : dilation, first : KERNEL - first : dilation] = small
        wide[key] = full
    return wide
