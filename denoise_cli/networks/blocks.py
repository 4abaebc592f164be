"""The few building blocks that the networks share."""

from __future__ import annotations

import torch
from torch import nn

# The most that arguments may ask for: they may come from a stranger.
WIDEST, DEEPEST = 4096, 256  # of channels and filters; of layers, and of blocks at a scale
LARGEST_MULTIPLE, LARGEST_RADIUS = 256, 1024  # the most that a network may need around a picture, in pixels


class Network(nn.Module):
    """What every architecture is.

    `radius`: its receptive-field radius in pixels. `multiple`: what its input's height and width must be multiples of.
    `takes_sigma`: whether the input has one channel more than the picture, which holds the noise's standard deviation.
    `skips`: whether the picture goes round its parts and is added to what they give, and so keeps all of its bits.
    `level`: a part that judges that deviation, if the network has one; `forward` does not call it.
    """

    radius: int
    multiple: int = 1
    takes_sigma: bool = False
    skips: bool = True

    def __init__(self) -> None:
        super().__init__()
        self.level: nn.Module | None = None


def check(least: int, most: int, **arguments: int) -> None:
    """Raises ValueError for an argument that is no whole number from `least` to `most`."""
    for name, value in arguments.items():
        if type(value) is not int or not least <= value <= most:
            raise ValueError(f"a network cannot have {name} of {value!r}, only of {least} to {most}")


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
