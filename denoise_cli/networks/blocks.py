"""The few building blocks that the networks share."""

from __future__ import annotations

import torch
from torch import nn


class Network(nn.Module):
    """What every architecture is.

    `radius`: its receptive-field radius in pixels. `multiple`: what its input's height and width must be multiples of.
    `takes_sigma`: whether the input has one channel more than the picture, which holds the noise's standard deviation.
    `level`: a part that judges that deviation, if the network has one; `forward` does not call it.
    """

    radius: int
    multiple: int = 1
    takes_sigma: bool = False

    def __init__(self) -> None:
        super().__init__()
        self.level: nn.Module | None = None


def with_sigma(x: torch.Tensor, sigma: torch.Tensor | float) -> torch.Tensor:
    """Pictures `[batch, channels, height, width]` with a channel more that holds the noise's standard deviation.

    `sigma` is one number, one a picture, or one a pixel, `[batch, 1, height, width]`, on the scale of the pixels.
    """
    level = torch.as_tensor(sigma, dtype=x.dtype, device=x.device)
    level = level if level.ndim == 4 else level.reshape(-1, 1, 1, 1)
    return torch.cat([x, level.expand(len(x), 1, *x.shape[2:])], dim=1)


def conv(
    inputs: int, outputs: int, kernel: int = 3, *, stride: int = 1, dilation: int = 1, bias: bool = True
) -> nn.Conv2d:
    """A convolution whose zero padding keeps the picture's size (at stride 1)."""
    padding = dilation * (kernel // 2)
    return nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=padding, dilation=dilation, bias=bias)


def conv_bn(inputs: int, outputs: int, kernel: int = 3, *, dilation: int = 1) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    """Convolution and batch norm; the norm's shift makes a bias superfluous."""
    return conv(inputs, outputs, kernel, dilation=dilation, bias=False), nn.BatchNorm2d(outputs)
