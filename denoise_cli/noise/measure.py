"""What the noise of pictures is like, told from their flat parts: strength, brightness, grain, clipping, impulses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from denoise_cli.images.image import Pixels

BLOCK = 16  # pixels a side
MOST_BLOCKS = 4096  # of a picture; more would only take longer
FLATTEST = 0.1  # the share of blocks, at each brightness, that is taken to hold noise and nothing else
BINS = 8  # of brightness
FEWEST = 20  # blocks that a bin needs to be judged
LEAST = 0.919  # their deviation, as the tenth with the least of equally noisy blocks of that size
DISTANCES = (1, 2, 3)  # pixels at which correlation is told
MIDDLE = 1024  # pixels a side that speak for a picture
UNEVEN = 1.3  # times as much noise at one end of the scale as at the other
STRUCK = 0.02  # the share of such pixels from which on they count
IMPULSE = 0.2  # how far from the median of its neighbours a black or white pixel is one that was struck


@dataclass(frozen=True)
class NoiseFacts:
    """`curve`: brightness (0..1) and standard deviation there (0..255 scale), from dark to bright.

    `correlation`: of pixels 1, 2 and 3 apart, the mean of both directions; `colour`: of two channels of a pixel, 1
    where noise is gray. `clipped`: the share of samples at the ends
    of the scale. `impulses`: the share of those that are black or white and far from all around them.
    """

    curve: tuple[tuple[float, float], ...]
    correlation: tuple[float, ...]
    clipped: float
    impulses: float
    colour: float = 1.0

    @property
    def sigma(self) -> float:
        """The middle one of the curve's standard deviations, 0..255 scale."""
        return float(np.median([sigma for _, sigma in self.curve])) if self.curve else 0.0

    @property
    def grain(self) -> int:
        """From how many pixels on noise is hardly alike any more; 1 for white noise."""
        return 1 + sum(1 for value in self.correlation if value > 0.2)

    @property
    def struck(self) -> bool:
        """Whether there are pixels that are black or white by themselves (salt and pepper)."""
        return self.impulses >= STRUCK

    @property
    def uneven(self) -> bool:
        """Whether shadows and lights are not equally noisy."""
        ends = [self.curve[0][1], self.curve[-1][1]] if self.curve else [0.0]
        return max(ends) > UNEVEN * min(ends)

    def __str__(self) -> str:
        if not self.curve:
            return "no noise to be seen"
        dark, bright = self.curve[0], self.curve[-1]
        text = f"noise of sigma {self.sigma:.1f} of 255"
        if self.uneven:
            text += f" ({dark[1]:.1f} in the shadows, {bright[1]:.1f} in the lights)"
        text += f", grain {self.grain} pixels wide" if self.grain > 1 else ", pixel by pixel"
        if self.impulses > 0.001:
            text += f", {100 * self.impulses:.1f} % of the pixels struck black or white"
        if self.clipped > 0.001:
            text += f", {100 * self.clipped:.1f} % clipped"
        return text


def noise_facts(pictures: Sequence[Pixels], *, seed: int = 0) -> NoiseFacts:
    """Of pictures `[height, width, channels]`, 1.0 = white, with the same kind of noise.

    At each brightness the blocks that vary least, once a plane is taken off, are taken to be flat; what varies there is
    noise. Their deviations are corrected for having been chosen as the least.
    """
    random = np.random.default_rng(seed)
    found = [part for picture in pictures if (part := _blocks(picture, random)).size]
    samples = max(1, sum(picture.size for picture in pictures))
    clipped = sum(int(((picture <= 0) | (picture >= 1)).sum()) for picture in pictures) / samples
    impulses = sum(_impulses(picture) for picture in pictures) / samples
    if not found:
        return NoiseFacts((), (0.0,) * len(DISTANCES), clipped, impulses)
    blocks = np.concatenate([part.reshape(-1, BLOCK, BLOCK) for part in found])
    next_channel = np.concatenate([np.roll(part, 1, axis=1).reshape(-1, BLOCK, BLOCK) for part in found])
    rest = blocks - planes(blocks)
    inside = ((blocks > 0) & (blocks < 1)).mean(axis=(1, 2)) > 0.99  # clipped noise is narrower than it was
    usable = np.flatnonzero(inside) if inside.any() else np.arange(len(blocks))
    light, power = blocks.mean(axis=(1, 2)), rest.var(axis=(1, 2), ddof=3)
    edges = np.unique(np.quantile(light[usable], np.linspace(0, 1, BINS + 1)))
    curve, flat = [], []
    for low, high in pairwise(edges) if len(edges) > 1 else [(edges[0], edges[0])]:
        here = usable[(light[usable] >= low) & (light[usable] <= high)]
        if len(here) < FEWEST:
            continue
        least = here[np.argsort(power[here])[: max(2, round(FLATTEST * len(here)))]]
        curve.append((float(light[least].mean()), 255 * float(np.sqrt(power[least].mean())) / LEAST))
        flat.append(least)
    chosen = np.concatenate(flat) if flat else usable
    colour = _alike(rest[chosen], next_channel[chosen] - planes(next_channel[chosen]))
    return NoiseFacts(tuple(curve), correlation(rest[chosen]), clipped, impulses, colour)


def _blocks(picture: Pixels, random: np.random.Generator) -> np.ndarray:
    """`[count, channels, BLOCK, BLOCK]` from random cells of a grid."""
    rows, columns, channels = *(length // BLOCK for length in picture.shape[:2]), picture.shape[2]
    cells = picture[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK, channels)
    cells = cells.transpose(0, 2, 4, 1, 3).reshape(-1, channels, BLOCK, BLOCK)
    chosen: np.ndarray = cells[random.permutation(len(cells))[: MOST_BLOCKS // channels]]
    return chosen


def _alike(one: np.ndarray, other: np.ndarray) -> float:
    power = max(float(np.sqrt((one**2).mean() * (other**2).mean())), 1e-12)
    return float((one * other).mean()) / power


def planes(blocks: np.ndarray) -> np.ndarray:
    """The plane of each block that fits it best."""
    place = np.arange(BLOCK) - (BLOCK - 1) / 2
    place /= np.sqrt((place**2).sum() * BLOCK)  # orthonormal, over the block
    down, across = place[:, None], place[None, :]
    slopes = [(blocks * axis).sum(axis=(1, 2), keepdims=True) * axis for axis in (down, across)]
    planes: np.ndarray = blocks.mean(axis=(1, 2), keepdims=True) + slopes[0] + slopes[1]
    return planes


def correlation(rest: np.ndarray) -> tuple[float, ...]:
    power = max(float((rest**2).mean()), 1e-12)
    along = [(rest[:, :, :-d] * rest[:, :, d:]).mean() / power for d in DISTANCES]
    down = [(rest[:, :-d] * rest[:, d:]).mean() / power for d in DISTANCES]
    return tuple(float(one + other) / 2 for one, other in zip(along, down, strict=True))


def _impulses(picture: Pixels) -> float:
    """How many samples are black or white and unlike their neighbours, as the picture's middle has it."""
    from scipy.ndimage import median_filter

    top, left = (max(0, (length - MIDDLE) // 2) for length in picture.shape[:2])
    middle = picture[top : top + MIDDLE, left : left + MIDDLE]
    struck = ((middle <= 0) | (middle >= 1)) & (np.abs(middle - median_filter(middle, (3, 3, 1))) > IMPULSE)
    return float(struck.mean()) * picture.size
