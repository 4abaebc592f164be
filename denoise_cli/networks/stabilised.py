"""A network between a curve that makes its noise even, and that curve's inverse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from denoise_cli.networks.blocks import Network, with_sigma
from denoise_cli.networks.curve import along, check_levels
from denoise_cli.networks.unet import UNet

KNOTS = 49  # of the curve
LOW, HIGH = -0.25, 1.25  # brightness at the first and at the last; straight lines go on beyond
LEAST = 0.2  # of the mean level, below which a level is taken for this much: curves must not be too steep


class Stabilised(Network):
    """A U-Net that sees its noise equally strong everywhere, by a rising curve of straight pieces (Noise2VST).

    Herbreteau & Unser 2025; Anscombe 1948 for the idea. The curve's steps, small shifts of the inverse, which takes a
    mean to a mean that is not that of the curve, and the level that the U-Net is told can be learnt, its own weights
    being left alone.

    `levels`: standard deviations on the 0..255 scale at brightness from 0 to 1, evenly spaced, from which the curve
    starts: it rises in inverse proportion to them. `base`: the U-Net's own arguments.

    Input and output: float `[batch, channels, height, width]`, 1.0 = white, sides multiples of `multiple`.
    """

    def __init__(self, levels: Sequence[float], channels: int = 3, base: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        check_levels(levels)
        self.base = UNet(**{**(base or {}), "channels": channels})
        self.multiple, self.radius = self.base.multiple, self.base.radius
        lights = np.linspace(LOW, HIGH, KNOTS)
        sigmas = np.array(levels, float) / 255
        sigmas = sigmas.clip(max(LEAST * sigmas.mean(), 1e-4))
        middles = ((lights[1:] + lights[:-1]) / 2).clip(0, 1)
        steps = (lights[1] - lights[0]) / np.interp(middles, np.linspace(0, 1, len(sigmas)), sigmas)
        self.curve_steps = nn.Parameter(torch.tensor(np.log(steps), dtype=torch.float32))
        self.curve_shifts = nn.Parameter(torch.zeros(KNOTS))
        self.curve_level = nn.Parameter(torch.zeros(()))  # after the curve noise has a deviation of exp(this)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        heights = torch.cat([self.curve_steps.new_zeros(1), self.curve_steps.exp().cumsum(0)])
        lights = torch.linspace(LOW, HIGH, KNOTS, device=x.device)
        black, white = along(torch.tensor([0.0, 1.0], device=x.device), lights, heights)
        heights = (heights - black) / (white - black)
        even = along(x, lights, heights)
        result = self.base(with_sigma(even, self.curve_level.exp() / (white - black)))
        return along(result, heights, lights + self.curve_shifts)
