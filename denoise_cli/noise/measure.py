"""What the noise of pictures is like, told from their flat parts: strength, brightness, grain, clipping, impulses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from denoise_cli.images.image import Pixels
from denoise_cli.noise.blocks import (
    BLOCK,
    DISTANCES,
    correlation,
    least_share,
    low_and_high,
    planes,
    share_above,
    some_blocks,
)

if TYPE_CHECKING:
    import torch
Array = TypeVar("Array", np.ndarray, "torch.Tensor")

MOST_BLOCKS = 4096  # of a picture; more would only take longer
FLATTEST = 0.1  # the share of blocks, at each brightness, that is taken to hold noise and nothing else
BINS = 8  # of brightness
FEWEST = 20  # blocks that a bin needs to be judged
UNCORRELATED = 0.15  # neighbours, up to which noise is white; in cameras' pictures they have 0.3 and more
WIDE = 0.2  # correlation from which on pixels share a grain; more than in white noise, whose grain is of a pixel
MIDDLE = 1024  # pixels a side of the middle of a picture, which speaks for all of it where impulses are counted
KNOTS = 33  # of the curve from black to white
FEWEST_POINTS, STRAIGHT = 4, 0.2  # of a curve, to tell a straight line; and the variance's mean deviation from one
UNEVEN = 1.3  # times as much noise at one end of the scale as at the other
STRUCK = 0.02  # the share of such pixels from which on they count
IMPULSE = 0.2  # how far from the median of its neighbours a black or white pixel is one that was struck
WORTH_TELLING = 0.001  # share of clipped samples; the text has one decimal of a per cent
# Share of clipped samples from which on a block's noise counts as narrower than it was. Two of 256 are fewer, and where
# so many of Gaussian noise are clipped it has lost 0.7 % of its deviation.
NARROWED = 0.01
TELLING_BLACK = 0.2  # share of it below which a block tells whether photons are counted
ONE_PHOTON = 1.5  # times the least light there, below which a sample is next to black: two photons are twice as light


@dataclass(frozen=True)
class NoiseFacts:
    """`curve`: brightness (0..1) and standard deviation there (0..255 scale), from dark to bright.

    `correlation`: of pixels 1, 2 and 3 apart, the mean of both directions; `colour`: of two channels of a pixel, 1
    where noise is gray. `clipped`: the share of samples at the ends of the scale. `impulses`: the share of those that
    are black or white and far from all around them.
    """

    curve: tuple[tuple[float, float], ...]
    correlation: tuple[float, ...]
    colour: float = 1.0
    clipped: float = 0.0
    impulses: float = 0.0

    @property
    def sigma(self) -> float:
        """The middle one of the curve's standard deviations, 0..255 scale."""
        return float(np.median([sigma for _, sigma in self.curve])) if self.curve else 0.0

    @property
    def white(self) -> bool:
        """Whether neighbours' noise is independent."""
        return self.correlation[0] < UNCORRELATED

    @property
    def levels(self) -> tuple[float, ...]:
        """Standard deviations, 0..255 scale, at brightness from 0 to 1, evenly spaced."""
        return self.levels_before(1)

    def levels_before(self, gain: int) -> tuple[float, ...]:
        """The same of a picture that was made so many times as bright and then measured: as it was before."""
        places = np.linspace(0, gain, gain * (KNOTS - 1) + 1)
        return tuple(float(level) for level in self.sigmas_at(places) / gain)

    def sigmas_at(self, places: np.ndarray) -> np.ndarray:
        """Standard deviations, 0..255 scale, where brightness is 0..1.

        By a straight line of variance that rises with brightness, where that fits: it does for photons and a sensor's
        read-out (Foi et al. 2008). Otherwise, as after a tone curve, from point to point, and level beyond.
        """
        lights, sigmas = np.array(self.curve or ((0.0, 0.0),)).T
        if len(lights) >= FEWEST_POINTS and sigmas.min() > 0:
            line = np.polynomial.Polynomial.fit(lights, sigmas**2, 1, w=sigmas**-2.0)
            if line(1) > line(0) and np.sqrt(np.mean((line(lights) / sigmas**2 - 1) ** 2)) < STRAIGHT:
                along: np.ndarray = np.sqrt(np.maximum(line(places), 0))
                return along
        between: np.ndarray = np.interp(places, lights, sigmas)
        return between

    @property
    def grain(self) -> int:
        """From how many pixels on noise is hardly alike any more; 1 for white noise."""
        return 1 + sum(1 for value in self.correlation if value > WIDE)

    @property
    def struck(self) -> bool:
        """Whether there are pixels that are black or white by themselves (salt and pepper)."""
        return self.impulses >= STRUCK

    @property
    def uneven(self) -> bool:
        """Whether shadows and lights are not equally noisy, as far as there are flat blocks to tell it from."""
        ends = [sigma for _, sigma in (*self.curve[:1], *self.curve[-1:])]
        return len(self.curve) >= FEWEST_POINTS and max(ends) > UNEVEN * min(ends)

    def __str__(self) -> str:
        if not self.curve:
            return "no noise to be seen"
        dark, bright = self.curve[0], self.curve[-1]
        text = f"noise of sigma {self.sigma:.1f} of 255"
        if self.uneven:
            text += f" ({dark[1]:.1f} in the shadows, {bright[1]:.1f} in the lights)"
        text += f", grain {self.grain} pixels wide" if self.grain > 1 else ", pixel by pixel"
        if self.struck:
            text += f", {100 * self.impulses:.1f} % of the pixels struck black or white"
        if self.clipped > WORTH_TELLING:
            text += f", {100 * self.clipped:.1f} % clipped"
        return text


def noise_facts(pictures: Sequence[Pixels]) -> NoiseFacts:
    """Of pictures `[height, width, channels]` with the same kind of noise; 1.0 = white, NaN where they show nothing."""
    samples = max(1, sum(np.count_nonzero(~np.isnan(picture)) for picture in pictures))
    clipped = sum(int(at_the_ends(picture).sum()) for picture in pictures) / samples
    impulses = sum(_impulses(picture) for picture in pictures) / samples
    return replace(noise_in_flat_parts(pictures), clipped=clipped, impulses=impulses)


def noise_in_flat_parts(pictures: Sequence[Pixels], *, seed: int = 0) -> NoiseFacts:
    """What takes no look at all pixels, of pictures as those of `noise_facts`: curve, correlation and colour.

    At each brightness the blocks that vary least, once a plane is taken off, are taken to be flat; what varies there is
    noise. Those of white noise are chosen by their low frequencies and measured by their high ones, which are
    independent of the former, and of which texture has few. Those of wider grain, which has hardly any, are measured
    as a whole, and corrected for having been chosen as the least.
    """
    random = np.random.default_rng(seed)
    found = [some_blocks(picture, max(1, MOST_BLOCKS // picture.shape[2]), random) for picture in pictures]
    blocks, next_channel = (
        np.concatenate([np.roll(part, shift, axis=1).reshape(-1, BLOCK, BLOCK) for part in found]) for shift in (0, 1)
    )
    if not len(blocks):
        return NoiseFacts((), (0.0,) * len(DISTANCES))
    rest = blocks - planes(blocks)
    light, power = blocks.mean(axis=(1, 2)), rest.var(axis=(1, 2), ddof=3)
    bins = _by_brightness(blocks, light)
    flat = [_least(power, here) for here in bins]
    chosen = np.concatenate(flat)
    alike = correlation(rest[chosen])
    colour = _alike(rest[chosen], next_channel[chosen] - planes(next_channel[chosen]))
    scale = 255 / least_share(alike)
    if alike[0] < UNCORRELATED:
        low, power = low_and_high(rest)
        flat = [_least(low, here) for here in bins]
        scale = 255 / share_above(alike) ** 0.5
    curve = tuple((float(light[here].mean()), scale * float(np.sqrt(power[here].mean()))) for here in flat)
    return NoiseFacts(curve, alike, colour)


def _by_brightness(blocks: np.ndarray, light: np.ndarray) -> list[np.ndarray]:
    """The numbers of blocks, in bins from dark to bright; those with clipped noise, narrower than it was, left out."""
    inside = _lost(blocks) < NARROWED
    usable = np.flatnonzero(inside) if inside.sum() >= FEWEST else np.arange(len(blocks))
    count = max(1, min(BINS, len(usable) // FEWEST))
    return np.array_split(usable[np.argsort(light[usable], kind="stable")], count)


def _lost(blocks: np.ndarray) -> np.ndarray:
    """The share of each block's samples that were clipped.

    Of a few photons none may well be counted, which is black and not clipped: where noise is cut off at black, black is
    far more frequent than the value next to it, and where the mean is two to four photons, it is rarer.
    """
    black = (blocks == 0).mean(axis=(1, 2))
    some = blocks[(black > NARROWED) & (black < TELLING_BLACK)]  # of photons, these are 1.6 to 4.6 a pixel
    lit = some[some > 0]
    next_to_black = int((lit < ONE_PHOTON * lit.min()).sum()) if lit.size else 0
    if some.size - lit.size >= next_to_black:
        share: np.ndarray = at_the_ends(blocks).mean(axis=(1, 2))
        return share
    white = (blocks == 1).mean(axis=(1, 2)) if blocks.max() <= 1 else 0.0
    return np.where(black == 1, 1.0, white)


def _least(of: np.ndarray, here: np.ndarray) -> np.ndarray:
    """The numbers of those blocks that have least of something."""
    chosen: np.ndarray = here[np.argsort(of[here])[: max(2, round(FLATTEST * len(here)))]]
    return chosen


def _alike(one: np.ndarray, other: np.ndarray) -> float:
    power = max(float(np.sqrt((one**2).mean() * (other**2).mean())), 1e-12)
    return float((one * other).mean()) / power


def at_the_ends(x: Array) -> Array:
    """Which samples are black or white; in float pictures some may be beyond, and those were not clipped."""
    ends: Array = (x == 0) | (x == 1)
    return ends


def _impulses(picture: Pixels) -> float:
    """How many samples are black or white and unlike their neighbours, as the picture's middle has it."""
    top, left = (max(0, (length - MIDDLE) // 2) for length in picture.shape[:2])
    return float(without_struck(picture[top : top + MIDDLE, left : left + MIDDLE])[1].mean()) * picture.size


def without_struck(picture: Pixels) -> tuple[Pixels, np.ndarray]:
    """A picture `[height, width, channels]` with the median of what is around them in place of samples that are black
    or white and far from that; and which these are.
    """
    from scipy.ndimage import median_filter

    around = median_filter(picture, (3, 3, 1))
    struck = at_the_ends(picture) & (np.abs(picture - around) > IMPULSE)
    return np.where(struck, around, picture), struck
