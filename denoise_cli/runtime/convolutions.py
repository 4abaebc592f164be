"""Which convolutions other ways to compute them can do."""

from __future__ import annotations

from torch import nn


def is_plain(conv: nn.Conv2d) -> bool:
    """Whether its kernel is square and odd, it has neither stride, dilation nor groups, and zeros around the picture
    keep its size.
    """
    height, width = conv.kernel_size
    same = conv.padding == (height // 2, width // 2) and conv.padding_mode == "zeros"
    dense = {conv.stride, conv.dilation, (conv.groups, conv.groups)} == {(1, 1)}
    return height == width and height % 2 == 1 and same and dense
