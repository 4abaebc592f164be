"""The noise of cameras' JPEGs, simulated on clean patches: from light to file and back to noise.

From a picture to light, shot and read noise, and back are as in Brooks et al., "Unprocessing Images for Learned Raw
Denoising" (2019); demosaicking and JPEG compression after the noise are as in Guo et al., "Toward Convolutional Blind
Denoising of Real Photographs" (2019). The grain of small cameras' JPEGs, widened and blotchy in colour, comes on top.

Of the numbers below only LOG_READ is from a paper; all others were chosen, and have no source. Pairs are the ends of a
range from which each patch draws evenly, single numbers the share of patches to which something happens.
"""

from __future__ import annotations

import io

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from denoise_cli.noise.draws import chance, normal, sent, uniform

# The camera. Brooks et al. have a gamma of 2.2, gains of 1.9 to 2.4 for red and of 1.5 to 1.9 for blue, brightening by
# about 1.25, and shot noise of 0.0001 to 0.012; these ranges hold theirs and more.
GAMMA = 1.9, 2.5
BALANCE = 1.2, 2.4  # gains of red and of blue; that of green is 1
EXPOSURE = 0.25, 1.0  # the picture is made brighter by its inverse
LOG10_SHOT = -4.3, -1.8  # variance at full light
LOG_READ = 2.18, 1.20, 0.26  # log of the variance in the dark by log of shot: slope, offset, scatter (Brooks et al.)
DEMOSAICKED = 0.8  # the others' noise is independent from pixel to pixel

# The camera's own smoothing, of luma and of chroma.
SMOOTHED = 0.65
LOG10_LUMA, LOG10_CHROMA = (-0.4, 0.3), (-0.4, 0.65)  # deviations of the blur, 0.4 to 2 and to 4.5 pixels
TINT = 0.3, 1.5  # how strong chroma is against luma, compared with before
LEFT = 0.3, 1.0  # of the noise's strength, whatever the blur: or wide grain would always be weak

# Its sharpening: an unsharp mask, of the noise alone.
SHARPENED = 0.3
AMOUNT, RADIUS = (0.3, 1.5), (0.6, 1.5)

COMPRESSED = 0.6  # by JPEG
QUALITIES = 60, 98
SUBSAMPLED = 0.5  # of those: chroma of half the size

SOFT, SOFTNESS = 0.4, (0.4, 1.2)  # pictures that are a little blurred, and the deviation of the blur in pixels

TAPS = 31  # of the widest blur

LUMA = (0.299, 0.587, 0.114)  # of BT.601, as the gray test sets were made


def camera_noise(clean: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """What cameras of many kinds would have made of clean patches: float `[batch, 3, height, width]`, 1.0 = white.

    Each patch has a camera and an exposure of its own. The result is within 0 to 1 and in 8-bit steps where JPEG
    compression came last. `random` is a generator of the CPU; the work is done on the device of `clean`.
    """
    count, device = len(clean), clean.device

    def draw(low: float, high: float) -> torch.Tensor:
        return uniform(count, low, high, random, device)

    def some(share: float) -> torch.Tensor:
        return chance(count, share, random, device)

    gamma, exposure = draw(*GAMMA), draw(*EXPOSURE)
    gains = torch.cat([draw(*BALANCE), torch.ones(count, 1, 1, 1, device=device), draw(*BALANCE)], dim=1) / exposure
    raw = clean.clamp(0, 1) ** gamma / gains

    # Shot noise, whose variance is in proportion to light, and read noise, which follows from it in most cameras.
    shot = 10 ** draw(*LOG10_SHOT)
    slope, offset, scatter = LOG_READ
    read = torch.exp(slope * shot.log() + offset + scatter * normal((count, 1, 1, 1), random, device))
    grain = normal(clean.shape, random, device) * (shot * raw + read).sqrt()
    interpolated, phase = some(DEMOSAICKED), torch.randint(0, 2, (count, 2), generator=random)
    noise = torch.where(interpolated, demosaicked(grain, phase), grain)

    rendered = ((raw + noise) * gains).clamp(0, 1) ** (1 / gamma)
    noise = rendered - clean
    grainy = _widened(noise, 10 ** draw(*LOG10_LUMA), 10 ** draw(*LOG10_CHROMA), draw(*TINT))
    grainy = grainy * (strength(noise) / strength(grainy).clamp(min=1e-6)) * draw(*LEFT)
    noise = torch.where(some(SMOOTHED), grainy, noise)
    noise = torch.where(some(SHARPENED), noise + draw(*AMOUNT) * (noise - _blurred(noise, draw(*RADIUS))), noise)
    noisy = (clean + noise).clamp(0, 1)
    return _compressed(noisy, torch.rand(count, generator=random) < COMPRESSED, random)


def softened(clean: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Some of the patches a little blurred, as full-size pictures are, whose pixel-sized detail can only be noise."""
    sigma = uniform(len(clean), *SOFTNESS, random, clean.device)
    chosen = chance(len(clean), SOFT, random, clean.device)
    return torch.where(chosen, _blurred(clean, sigma), clean)


def demosaicked(noise: torch.Tensor, phase: torch.Tensor) -> torch.Tensor:
    """Noise that only every second or fourth pixel of a colour has, the others being interpolated (bilinear, RGGB).

    `phase`: int `[batch, 2]`, row and column of the first red pixel.
    """
    height, width = noise.shape[2:]
    rows = (torch.arange(height) + phase[:, :1]) % 2
    columns = (torch.arange(width) + phase[:, 1:]) % 2
    odd_row, odd_column = rows[:, :, None].bool(), columns[:, None, :].bool()
    sites = torch.stack([~odd_row & ~odd_column, odd_row ^ odd_column, odd_row & odd_column], dim=1).to(noise)
    cross = torch.tensor([[0.0, 1, 0], [1, 4, 1], [0, 1, 0]]) / 4
    full = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 4
    kernels = torch.stack([full, cross, full])[:, None].to(noise)
    padded = F.pad(noise * sites, (1, 1, 1, 1), mode="reflect")
    return F.conv2d(padded, kernels, groups=3)


def luma(x: torch.Tensor) -> torch.Tensor:
    """Gray in as many equal channels, of `[batch, 3, height, width]`."""
    return (x * sent(torch.tensor(LUMA), x.device).reshape(1, 3, 1, 1)).sum(dim=1, keepdim=True).expand_as(x)


def _widened(noise: torch.Tensor, luma: torch.Tensor, chroma: torch.Tensor, colour: torch.Tensor) -> torch.Tensor:
    """Luma and chroma of the noise blurred apart, as by a camera's own denoising and chroma subsampling.

    `luma`, `chroma`: `[batch, 1, 1, 1]`, standard deviations of the blur in pixels; `colour`: how strong chroma is
    afterwards against luma, compared with before.
    """
    light = noise.mean(dim=1, keepdim=True)
    grey, tint = _blurred(light, luma), _blurred(noise - light, chroma)
    ratio = strength(noise - light) / strength(light).clamp(min=1e-6)
    return grey + tint * colour * ratio * strength(grey) / strength(tint).clamp(min=1e-6)


def strength(noise: torch.Tensor) -> torch.Tensor:
    """Root of the mean square, a patch."""
    return noise.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()


def _blurred(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """A Gaussian blur, another for every patch."""
    count, channels = x.shape[:2]
    distance = torch.arange(TAPS, device=x.device) - TAPS // 2
    taps = torch.exp(-0.5 * (distance / sigma.reshape(-1, 1)) ** 2)
    taps = (taps / taps.sum(dim=1, keepdim=True)).repeat_interleave(channels, dim=0)[:, None, None, :]
    half = TAPS // 2
    y = F.pad(x.reshape(1, count * channels, *x.shape[2:]), (half, half, half, half), mode="reflect")
    y = F.conv2d(y, taps, groups=count * channels)
    return F.conv2d(y, taps.transpose(2, 3), groups=count * channels).reshape(x.shape)


def _compressed(noisy: torch.Tensor, which: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """JPEG of any quality in the range, with or without chroma subsampling, on some of the patches."""
    qualities = torch.randint(QUALITIES[0], QUALITIES[1] + 1, (len(noisy),), generator=random).tolist()
    halved = (torch.rand(len(noisy), generator=random) < SUBSAMPLED).tolist()
    result = noisy.clone()
    for number in which.nonzero().flatten().tolist():
        samples = (noisy[number] * 255).round().byte().permute(1, 2, 0).cpu().numpy()
        file = io.BytesIO()
        Image.fromarray(samples).save(file, "JPEG", quality=qualities[number], subsampling=2 if halved[number] else 0)
        decoded = np.asarray(Image.open(file))
        result[number] = torch.from_numpy(decoded.copy()).permute(2, 0, 1).to(noisy) / 255
    return result
