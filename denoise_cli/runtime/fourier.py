"""Convolution with large kernels by way of Fourier transforms."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from denoise_cli.runtime.convolutions import is_plain

# A block of the input, pixels a side, and how many are multiplied at once: the best of several for 7x7 kernels and 128
# channels on a CPU without AMX (docs/performance.md).
BLOCK, AT_ONCE = 32, 64
# The least kernel and channels that it is worth for: of 7x7 multiply-adds a pixel and pair of channels about 3 remain.
KERNEL, CHANNELS = 7, 64


class FourierConv(nn.Module):
    """A convolution of stride 1 with zero padding and an odd kernel, in float32, block by block (overlap and save).

    Takes and gives what the convolution does, `[batch, channels, height, width]`, whatever the floating type.
    """

    def __init__(self, conv: nn.Conv2d, *, relu: bool) -> None:
        super().__init__()
        weight = conv.weight.detach().float()
        self.outputs, self.inputs, self.kernel, _ = weight.shape
        self.relu = relu
        # No parameters or buffers, so that a change of the network's precision leaves them alone.
        self.bias = None if conv.bias is None else conv.bias.detach().float()
        spectrum = torch.fft.rfft2(weight, s=(BLOCK, BLOCK)).conj_physical()  # conjugate, as networks correlate
        self.spectrum = spectrum.permute(2, 3, 0, 1).reshape(-1, self.outputs, self.inputs).contiguous()

    @staticmethod
    def suits(conv: nn.Conv2d) -> bool:
        """Whether it is a convolution that this is worth for and can do."""
        wide = min(conv.in_channels, conv.out_channels) >= CHANNELS
        return wide and KERNEL <= conv.kernel_size[0] < BLOCK // 2 and is_plain(conv)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, _, height, width = x.shape
        edge, step = self.kernel // 2, BLOCK - self.kernel + 1
        down, across = -(-height // step), -(-width // step)
        more = (across * step - width, down * step - height)
        padded = F.pad(x.float(), (edge, edge + more[0], edge, edge + more[1]))
        result = x.new_empty((batch, self.outputs, down * step, across * step))
        rows = max(1, AT_ONCE // (batch * across))
        for first in range(0, down, rows):
            top, count = first * step, min(rows, down - first)
            band = padded[:, :, top : top + count * step + self.kernel - 1]
            result[:, :, top : top + count * step] = self._blocks(band.unfold(2, BLOCK, step).unfold(3, BLOCK, step))
        return result[:, :, :height, :width]

    def _blocks(self, blocks: torch.Tensor) -> torch.Tensor:
        """Blocks `[batch, channels, down, across, BLOCK, BLOCK]` as their results, put together."""
        batch, _, down, across = blocks.shape[:4]
        step = BLOCK - self.kernel + 1
        transformed = torch.fft.rfft2(blocks).permute(4, 5, 1, 0, 2, 3).reshape(len(self.spectrum), self.inputs, -1)
        product = torch.bmm(self.spectrum, transformed).reshape(BLOCK, -1, self.outputs, batch, down, across)
        pixels = torch.fft.irfft2(product, s=(BLOCK, BLOCK), dim=(0, 1))[:step, :step]
        y: torch.Tensor = pixels.permute(3, 2, 4, 0, 5, 1).reshape(batch, self.outputs, down * step, across * step)
        if self.bias is not None:
            y += self.bias[:, None, None]
        return y.relu_() if self.relu else y
