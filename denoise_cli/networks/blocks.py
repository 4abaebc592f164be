"""The few building blocks that the networks share."""

from __future__ import annotations

from torch import nn


class Network(nn.Module):
    """What every architecture is.

    `radius`: its receptive-field radius in pixels. `multiple`: what its input's height and width must be multiples of.
    """

    radius: int
    multiple: int = 1


def conv(
    inputs: int, outputs: int, kernel: int = 3, *, stride: int = 1, dilation: int = 1, bias: bool = True
) -> nn.Conv2d:
    """A convolution whose zero padding keeps the picture's size (at stride 1)."""
    padding = dilation * (kernel // 2)
    return nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=padding, dilation=dilation, bias=bias)


def conv_bn(inputs: int, outputs: int, kernel: int = 3, *, dilation: int = 1) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    """Convolution and batch norm; the norm's shift makes a bias superfluous."""
    return conv(inputs, outputs, kernel, dilation=dilation, bias=False), nn.BatchNorm2d(outputs)
