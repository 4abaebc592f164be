"""Convolutions to compute in other ways, and those that these leave alone."""

from __future__ import annotations

import torch
from torch import nn


def convolution(inputs: int, outputs: int, kernel: int, **more: object) -> nn.Conv2d:
    torch.manual_seed(0)
    settings = {"padding": kernel // 2, **more}
    return nn.Conv2d(inputs, outputs, kernel, **settings).requires_grad_(False)  # type: ignore[arg-type]


def not_plain(channels: int, kernel: int) -> list[nn.Conv2d]:
    """As many channels in and out, and something about each that is not usual."""
    unusual: list[dict[str, object]] = [
        {"stride": 2},
        {"dilation": 2, "padding": 2 * (kernel // 2)},
        {"groups": 2},
        {"padding": 0},
        {"padding": "same"},
        {"padding_mode": "reflect"},
    ]
    return [convolution(channels, channels, kernel, **settings) for settings in unusual]
