"""A network with a noise profile: it knows how strong the noise is where the picture is how light."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F

from denoise_cli.networks.blocks import LARGEST_MULTIPLE, Network, check, with_sigma
from denoise_cli.networks.curve import AROUND, check_levels, level_map
from denoise_cli.networks.unet import UNet


class Profiled(Network):
    """A U-Net that is told a level of its own at every pixel, from the brightness around it.

    `levels`: standard deviations on the 0..255 scale at brightness from 0 to 1, evenly spaced, straight lines between
    and level beyond. `stride`: the network sees every so many-th pixel, as in AP-BSN (Lee et al. 2022), each of the
    interleaved pictures for itself: where neighbours' noise is alike, that of distant pixels is not. `base`: the
    U-Net's own arguments.

    Input and output: float `[batch, channels, height, width]`, 1.0 = white, sides multiples of `multiple`.
    """

    def __init__(
        self, levels: Sequence[float], stride: int = 1, channels: int = 3, base: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__()
        check_levels(levels)
        check(1, LARGEST_MULTIPLE, stride=stride)
        self.levels, self.stride = tuple(float(level) for level in levels), stride
        self.base = UNet(**{**(base or {}), "channels": channels})
        self.multiple = self.base.multiple * stride
        self.radius = self.base.radius * stride + stride - 1 + AROUND // 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        told = with_sigma(x, level_map(x, self.levels))
        result: torch.Tensor = _whole(self.base(interleaved(told, self.stride)), self.stride)
        return result


def interleaved(x: torch.Tensor, stride: int) -> torch.Tensor:
    """`[batch * stride**2, channels, height / stride, width / stride]`."""
    if stride == 1:
        return x
    batch, channels, height, width = x.shape
    parts = F.pixel_unshuffle(x, stride).reshape(batch, channels, stride**2, height // stride, width // stride)
    return parts.transpose(1, 2).flatten(0, 1)


def _whole(parts: torch.Tensor, stride: int) -> torch.Tensor:
    """The inverse."""
    if stride == 1:
        return parts
    count, channels, height, width = parts.shape
    batch = count // stride**2
    return F.pixel_shuffle(
        parts.reshape(batch, stride**2, channels, height, width).transpose(1, 2).flatten(1, 2), stride
    )
