"""The error of a denoised picture, told from the noisy one alone: Stein's estimate."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F

from denoise_cli.networks.curve import brightness
from denoise_cli.noise.blocks import NONE
from denoise_cli.noise.draws import normal
from denoise_cli.noise.measure import NoiseFacts

STEP = 0.1  # of the noise's deviation, by which pictures are changed to see how the result follows; 0.3 errs by 0.5 dB
INSIDE = 2.5  # deviations from black and white, nearer to which noise may have been clipped
# Of the noise's power: smaller mean square errors are only told apart, or not even that, and not measured. An estimate
# may by chance come out at zero or less; where there is no noise at all, 120 dB are the most that is told.
TELLING, LEAST_ERROR = 1e-3, 1e-12
TWO_TAPS = 0.6  # correlation up to which a grain's blur has one tap to each side


def stein_psnr(
    restore: Callable[[torch.Tensor], torch.Tensor],
    noisy: torch.Tensor,
    sigma: torch.Tensor,
    facts: NoiseFacts,
    random: torch.Generator,
) -> float:
    """PSNR in dB of `restore(noisy)` against the clean pictures, which nobody has seen.

    For noise that is nearly Gaussian. The mean square error is that between result and noisy picture, less the noise's
    variance, plus twice what the result takes over of the noise (Stein 1981), which shows when such noise is added and
    taken away (Ramani et al. 2008). It is as exact as `sigma` is; which result is better it tells more surely.

    `noisy`: float `[batch, channels, height, width]`, 1.0 = white; where the noise may have been clipped does not
    count. `sigma`: the noise's deviation, `[batch, 1, height, width]`; `facts`: its correlations.
    """
    light = brightness(noisy)
    noise = sigma * _grain(noisy, facts, random)
    more, less = (restore(noisy + step * noise) for step in (STEP, -STEP))
    taken_over = noise * (more - less) / (2 * STEP)
    inside = ((light > INSIDE * sigma) & (light < 1 - INSIDE * sigma)).expand_as(noisy)
    error = (restore(noisy) - noisy).square() - sigma.square() + 2 * taken_over
    if not inside.any():
        inside = torch.ones_like(inside)
    least = max(TELLING * float(sigma.square().expand_as(noisy)[inside].mean()), LEAST_ERROR)
    return float(-10 * error[inside].mean().detach().clamp(min=least).log10())


def _grain(x: torch.Tensor, facts: NoiseFacts, random: torch.Generator) -> torch.Tensor:
    """Noise of deviation 1 that is alike in neighbours and in colours as the facts say."""
    count, channels, *size = x.shape
    draw = normal((count, 1 + channels, *size), random, x.device)
    common, own = draw[:, :1], draw[:, 1:]
    alike = min(max(facts.colour, 0.0), 1.0)
    gray = (x == x[:, :1]).flatten(1).all(dim=1).reshape(-1, 1, 1, 1)
    grain = torch.where(gray, common, alike**0.5 * common + (1 - alike) ** 0.5 * own)
    nearest = min(facts.correlation[0], 0.95)
    if nearest < NONE:
        return grain
    taps = _blur(nearest).to(x.device)
    half = len(taps) // 2
    taps = taps[None, None, None].expand(channels, 1, 1, -1)
    grain = F.conv2d(F.pad(grain, (half, half, half, half), mode="circular"), taps, groups=channels)
    return F.conv2d(grain, taps.transpose(2, 3), groups=channels)


def _blur(alike: float) -> torch.Tensor:
    """Taps, of length 1, of a blur after which neighbours of white noise are so alike."""
    if alike < TWO_TAPS:  # where a Gaussian, which is told by its width, has hardly more, and would be off
        side = (1 - math.sqrt(1 - 2 * alike**2)) / (2 * alike)
        taps = torch.tensor([side, 1.0, side])
    else:
        width = 0.5 / math.sqrt(-math.log(alike))
        half = math.ceil(4 * width)
        taps = torch.exp(-0.5 * (torch.arange(-half, half + 1) / width) ** 2)
    blur: torch.Tensor = taps / taps.norm()
    return blur
