"""Convolution with 3x3 kernels by Winograd's minimal filtering."""

from __future__ import annotations

import torch
from torch import nn

from denoise_cli.runtime.convolutions import is_plain

# F(4x4, 3x3) of Lavin & Gray (2016): windows of 6x6 pixels, which are 4 apart, give 4x4 each. What they, a kernel and
# the product of both are multiplied by from either side:
WINDOW, STEP = 6, 4
OF_WINDOWS = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
OF_KERNELS = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
OF_PRODUCTS = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))
# How many windows' channels are multiplied at once, so that they stay in the cache, and the least channels that it is
# worth for (docs/performance.md).
AT_ONCE, CHANNELS = 24_576, 96


class WinogradConv(nn.Module):
    """A 3x3 convolution of stride 1 with zero padding, in float32 on a CPU: a quarter of the multiply-adds remain.

    Takes and gives what the convolution does, `[batch, channels, height, width]`, best with channels last. `onto` is
    what the result is added to, in its place: its own values are lost. With `relu`, that comes last.
    """

    def __init__(self, conv: nn.Conv2d, *, relu: bool) -> None:
        super().__init__()
        self.relu = relu
        # No parameters or buffers, so that nothing changes their precision.
        self.of_windows, self.of_products = _both_sides(OF_WINDOWS), _both_sides(OF_PRODUCTS)
        kernels = _both_sides(OF_KERNELS) @ conv.weight.detach().float().permute(2, 3, 1, 0).flatten(0, 1).flatten(1)
        self.kernels = kernels.reshape(-1, conv.in_channels, conv.out_channels)
        self.bias = None if conv.bias is None else conv.bias.detach().float()

    @staticmethod
    def suits(conv: nn.Conv2d) -> bool:
        """Whether it is a convolution that this is worth for and can do."""
        wide = min(conv.in_channels, conv.out_channels) >= CHANNELS
        return wide and conv.kernel_size == (3, 3) and is_plain(conv)

    def forward(self, x: torch.Tensor, onto: torch.Tensor | None = None) -> torch.Tensor:
        places, inputs, outputs = self.kernels.shape
        x = x.permute(0, 2, 3, 1)
        batch, height, width, _ = x.shape
        result = x.new_empty(batch, height, width, outputs) if onto is None else onto.permute(0, 2, 3, 1)
        # A few rows of windows at a time, in memory that all share: new memory would cost as much as multiplying.
        across = -(-width // STEP)
        down = max(1, min(-(-height // STEP), AT_ONCE // (batch * across * inputs)))
        count, tall = batch * down * across, down * STEP
        band = x.new_zeros(batch, tall + 2, across * STEP + 2, inputs)
        windows = band.unfold(1, WINDOW, STEP).unfold(2, WINDOW, STEP).permute(4, 5, 0, 1, 2, 3)
        seen, transformed = x.new_empty(2, places, count * inputs)
        products = x.new_empty(places, count, outputs)
        patches = x.new_empty(STEP * STEP, count * outputs)
        pixels = x.new_empty(batch, tall, across * STEP, outputs)
        by_patch = pixels.view(batch, down, STEP, across, STEP, outputs).permute(2, 4, 0, 1, 3, 5)
        for top in range(0, height, tall):
            first, end = max(0, top - 1), min(height, top + tall + 1)
            band[:, first - top + 1 : end - top + 1, 1 : width + 1] = x[:, first:end]
            band[:, end - top + 1 :] = 0
            seen.view_as(windows).copy_(windows)
            torch.mm(self.of_windows, seen, out=transformed)
            torch.bmm(transformed.view(places, count, inputs), self.kernels, out=products)
            torch.mm(self.of_products, products.view(places, -1), out=patches)
            by_patch.copy_(patches.view_as(by_patch))
            if self.bias is not None:
                pixels += self.bias
            there = result[:, top : top + tall]
            self._put(pixels[:, : there.shape[1], :width], there, add=onto is not None)
        return result.permute(0, 3, 1, 2)

    def _put(self, pixels: torch.Tensor, there: torch.Tensor, *, add: bool) -> None:
        if add:
            pixels = torch.add(pixels, there, out=there)
        if self.relu:
            torch.clamp(pixels, min=0, out=there)
        elif not add:
            there.copy_(pixels)


def _both_sides(matrix: tuple[tuple[float, ...], ...]) -> torch.Tensor:
    """What is to be multiplied by from either side, as one matrix for all places of a window."""
    side = torch.tensor(matrix, dtype=torch.float64)
    return torch.kron(side, side).float()
