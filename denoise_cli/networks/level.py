"""How much noise a picture has, judged by a small network: the level that a denoiser is then told."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from denoise_cli.networks.blocks import conv

SHUFFLE = 2
USUAL = 10 / 255  # training starts from about this level
FAINT = 0.5 / 255  # below this, levels need not be told apart
BLOCK = 16  # pixels a side, of those that show what noise looks like
FLAT = 0.5, 1.25  # times the noise's deviation: how much they vary; more would be texture
DOUBTFUL = 1.0, 2.0  # deviations, 0..255 scale, from nearly clean pictures to noise; by photographs with neither
FEWEST_FLAT = 0.01  # the share of blocks that must be flat
GRAINY = 0.2, 0.4  # correlation of neighbours, from white noise with a little texture in it to grain
DISTANCES = (1, 2, 3)  # pixels, at which noise may be alike


class LevelEstimator(nn.Module):
    """The noise's standard deviation from what a few convolutions see, each place counting as much as it can tell.

    A place of the picture, 8 x 8 pixels, gets a level and a weight; flat places can tell noise from detail, others
    cannot. Trained on simulated noise of which the true level is known, as in CBDNet (Guo et al. 2019), which estimates
    a map.

    Input: float `[batch, channels, height, width]`, 1.0 = white, height and width multiples of 8. Output: `[batch]` on
    the same scale.
    """

    def __init__(self, channels: int = 3, filters: int = 48) -> None:
        super().__init__()
        layers: list[nn.Module] = [conv(SHUFFLE**2 * channels, filters), nn.ReLU(inplace=True)]
        for stride in (1, 2, 1, 2, 1):
            layers += [conv(filters, filters, stride=stride), nn.ReLU(inplace=True)]
        self.body = nn.Sequential(*layers, conv(filters, 2, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        places = self.body(F.pixel_unshuffle(x, SHUFFLE)).float().flatten(2)
        level, weight = USUAL * places[:, 0].exp(), places[:, 1].softmax(dim=1)
        mean: torch.Tensor = (level * weight).sum(dim=1)
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


def coarseness(x: torch.Tensor, sigma: torch.Tensor) -> float:
    """How many times as strong white noise is that is as strong in the large as the noise of these pictures.

    Grain that is several pixels wide has less power than white noise of the same lowest frequencies, and it takes a
    denoiser made for that white noise to remove it. The factor is that between the square roots of both spectra at
    frequency zero, the sum of the noise's correlations with its neighbours; 1 for white noise, about 3 in cameras'
    JPEGs. It is told from small blocks that vary no more than the noise does, so that there can be little else in
    them; 1 where hardly any block is such.

    `x`: float `[batch, channels, height, width]`, with the same kind of noise all over; `sigma`: its deviation on the
    same scale, `[batch]` or one for all.
    """
    if min(x.shape[2:]) < BLOCK:
        return 1.0
    blocks = x.float().unfold(2, BLOCK, BLOCK).unfold(3, BLOCK, BLOCK)
    rest = _without_planes(blocks.flatten(1, 3))
    power = rest.square().sum(dim=(2, 3)) / (BLOCK**2 - 3)
    relative = power.sqrt() / sigma.reshape(-1, 1).clamp(min=1e-6)
    flat = rest[(relative > FLAT[0]) & (relative < FLAT[1])]
    if len(flat) < FEWEST_FLAT * relative.numel() or not len(flat):
        return 1.0
    total = flat.square().mean()
    alike = []
    for distance in DISTANCES:
        along = (flat[:, :, :-distance] * flat[:, :, distance:]).mean()
        down = (flat[:, :-distance] * flat[:, distance:]).mean()
        alike.append(max(0.0, float((along + down) / (2 * total))))
    grainy = min(max((alike[0] - GRAINY[0]) / (GRAINY[1] - GRAINY[0]), 0.0), 1.0)
    return 1 + 2 * grainy * sum(alike)  # neighbours are on both sides


def _without_planes(blocks: torch.Tensor) -> torch.Tensor:
    """Blocks `[..., BLOCK, BLOCK]` less the planes that fit them best."""
    place = torch.arange(BLOCK, dtype=blocks.dtype, device=blocks.device) - (BLOCK - 1) / 2
    place = place / (place.square().sum() * BLOCK).sqrt()  # orthonormal, over the block
    rest = blocks - blocks.mean(dim=(-2, -1), keepdim=True)
    for axis in (place[:, None], place[None, :]):
        rest = rest - (rest * axis).sum(dim=(-2, -1), keepdim=True) * axis
    return rest
