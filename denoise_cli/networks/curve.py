"""Curves over brightness: how noisy a picture is where it is dark, and where it is light."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F

AROUND = 5  # pixels a side over which brightness is judged


def check_levels(levels: Sequence[float]) -> None:
    """Raises ValueError for a noise profile that is none."""
    if len(levels) < 2 or not all(0 <= level < float("inf") for level in levels):
        raise ValueError(f"a noise profile has two or more levels from 0 on, not {levels!r}")


def level_map(x: torch.Tensor, levels: Sequence[float]) -> torch.Tensor:
    """`[batch, 1, height, width]`, 1.0 = white: the noise's deviation at each pixel of `[batch, channels, ...]`.

    `levels`: on the 0..255 scale at brightness from 0 to 1, evenly spaced, straight lines between and level beyond. A
    single level holds at every brightness.
    """
    heights = torch.tensor(levels, dtype=x.dtype, device=x.device) / 255
    if len(heights) == 1:
        return heights.expand(len(x), 1, *x.shape[2:])
    place = brightness(x).clamp(0, 1) * (len(heights) - 1)
    below = place.floor().clamp(max=len(heights) - 2)
    low = below.long()
    return torch.lerp(heights[low], heights[low + 1], place - below)


def brightness(x: torch.Tensor) -> torch.Tensor:
    """`[batch, 1, height, width]` of `[batch, channels, height, width]`: the mean of what is around each pixel."""
    return F.avg_pool2d(x.mean(dim=1, keepdim=True), AROUND, 1, AROUND // 2, count_include_pad=False)


def along(x: torch.Tensor, places: torch.Tensor, heights: torch.Tensor) -> torch.Tensor:
    """The heights at x of straight lines through points whose places rise; the outer lines go on beyond."""
    cell = torch.searchsorted(places, x.detach().contiguous()).clamp(1, len(places) - 1)
    left, right = places[cell - 1], places[cell]
    return torch.lerp(heights[cell - 1], heights[cell], (x - left) / (right - left).clamp(min=1e-6))
