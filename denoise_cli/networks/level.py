"""How much noise a picture has, judged by a small network: the level that a denoiser is then told."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from denoise_cli.networks.blocks import conv

SHUFFLE = 2
USUAL = 10 / 255  # training starts from about this level
FAINT = 0.5 / 255  # below this, levels need not be told apart
# Deviations, 0..255 scale: noise fainter than the first may as well be fine texture, and its grain does not count; from
# the second on it counts in full. They were set so that the held-out photographs, which are nearly clean, stay as they
# are (docs/results.md).
DOUBTFUL = 1.0, 2.0


class LevelEstimator(nn.Module):
    """The noise's standard deviation from what a few convolutions see, each place counting as much as it can tell.

    A place of the picture, 8 x 8 pixels, gets a level and a weight; flat places can tell noise from detail, others
    cannot. Trained on simulated noise of which the true level is known, as in CBDNet (Guo et al. 2019), which estimates
    a map.

    Input: float `[batch, channels, height, width]`, 1.0 = white, height and width multiples of 8; and which of the
    places count, bool `[batch, height / 8, width / 8]`, at least one of each picture. Output: `[batch]` on the same
    scale.
    """

    def __init__(self, channels: int = 3, filters: int = 48) -> None:
        super().__init__()
        layers: list[nn.Module] = [conv(SHUFFLE**2 * channels, filters), nn.ReLU(inplace=True)]
        for stride in (1, 2, 1, 2, 1):
            layers += [conv(filters, filters, stride=stride), nn.ReLU(inplace=True)]
        self.body = nn.Sequential(*layers, conv(filters, 2, 1))

    def forward(self, x: torch.Tensor, telling: torch.Tensor | None = None) -> torch.Tensor:
        places = self.body(F.pixel_unshuffle(x, SHUFFLE)).float().flatten(2)
        level, weight = USUAL * places[:, 0].exp(), places[:, 1]
        if telling is not None:
            weight = weight.masked_fill(~telling.flatten(1), -torch.inf)
        mean: torch.Tensor = (level * weight.softmax(dim=1)).sum(dim=1)
        return mean


def level_error(estimate: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Mean absolute error of the logarithm: a factor too much is as bad as a factor too little."""
    return ((estimate + FAINT) / (sigma.flatten() + FAINT)).log().abs().mean()


def as_white(sigma: torch.Tensor, coarse: float) -> torch.Tensor:
    """The deviation of white noise that is as strong in the large as noise of deviation `sigma`, 1.0 = white.

    Where that is so faint that it may as well be fine texture, it stays what it is.
    """
    sure = ((sigma * 255 - DOUBTFUL[0]) / (DOUBTFUL[1] - DOUBTFUL[0])).clamp(0, 1)
    return sigma * (1 + (coarse - 1) * sure)
