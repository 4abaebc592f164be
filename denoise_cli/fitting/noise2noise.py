"""Learning from noisy targets: another shot of the scene, or another part of the same shot's pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from denoise_cli.fitting.forward import jitter, restored
from denoise_cli.fitting.objective import HELD_OUT_PATCHES
from denoise_cli.fitting.scenes import Scenes
from denoise_cli.fitting.stein import LEAST_ERROR, TELLING, stein_psnr
from denoise_cli.networks.blocks import Network
from denoise_cli.networks.profiled import interleaved
from denoise_cli.noise.measure import NoiseFacts, at_the_ends

REGULARISER = 2.0  # of Neighbor2Neighbor, at its full weight
AROUND = 7  # pixels a side of the window that tells whether a place is clipped, and about what its noise varies
# Share of clipped samples in that window from which a place does not count; 5 % of Gaussian noise lies beyond 1.6
# deviations.
CLIPPED = 0.05
HARDLY_ANY = 0.01  # if fewer of the known places are unclipped, all known ones count


@dataclass(frozen=True)
class Noise2Noise:
    """Frames as inputs, what other frames say as targets (Lehtinen et al. 2018).

    Each scene has four pictures: the frame, the level there that a network would be told in use, and two independent
    witnesses of the same place, NaN where they know nothing. `squared`: the mean square as the loss, whose minimiser is
    the mean of all targets; otherwise the mean of absolute differences, whose minimiser is their median, which clipping
    and impulses do not move. `impulses`: whether samples may have been struck black or white; those of the witnesses
    are NaN.
    """

    scenes: Scenes
    held_out: Scenes
    batch: int
    patch: int
    device: torch.device
    squared: bool = True
    impulses: bool = False

    def loss(self, network: Network, random: torch.Generator) -> torch.Tensor:
        noisy, level, one, other = self.scenes.patches(self.batch, self.patch, random)
        result = restored(network, noisy, level * jitter(len(level), random, level.device))
        # To each of both, since the median of what was clipped is right, but not that of a mean of two such.
        return distance(result, torch.stack([one, other]), squared=self.squared)

    @torch.no_grad()
    def psnr(self, network: Network) -> float:
        """The true one, though no clean picture is known: the witnesses' errors are independent of the result's."""
        random = torch.Generator().manual_seed(0)
        noisy, level, one, other = self.held_out.patches(HELD_OUT_PATCHES, self.patch, random)
        seen = torch.where(at_the_ends(noisy), torch.nan, noisy) if self.impulses else noisy
        return true_psnr(restored(network, noisy, level), seen, one, other)


@dataclass(frozen=True)
class Neighbor2Neighbor:
    """Single shots: of every four pixels one makes the input and one beside it the target (Huang et al. 2021).

    Each scene has three pictures: the shot, the level there that a network would be told in use, and the deviation of
    its noise. `stride`: how far apart the four pixels are; more than 1 where the noise of neighbouring ones is alike.
    `facts`: what else the noise is like, if it is such that Stein's estimate can tell how good a result is. `impulses`:
    see `Noise2Noise`.
    """

    scenes: Scenes
    held_out: Scenes
    batch: int
    patch: int
    device: torch.device
    stride: int = 1
    squared: bool = True
    facts: NoiseFacts | None = None
    impulses: bool = False

    def loss(self, network: Network, random: torch.Generator) -> torch.Tensor:
        noisy, level, _ = self.scenes.patches(self.batch, self.patch, random)
        (first, second), one, other, there = self._sub_sampled(noisy, level, random)
        about = jitter(self.batch, random, noisy.device)
        result = restored(network, one, there * about.repeat_interleave(self.stride**2, dim=0))
        with torch.no_grad():  # what sub-sampling itself does to the picture: the same pixels of the whole's result
            whole = restored(network, noisy, level * about)
            difference = sampled(whole, first, self.stride) - sampled(whole, second, self.stride)
        reconstruction = distance(result, other, squared=self.squared)
        return reconstruction + REGULARISER * distance(result - difference, other, squared=self.squared)

    @torch.no_grad()
    def psnr(self, network: Network) -> float:
        """By Stein's estimate; without facts that of results on every other pixel against those beside, whose noise is
        in it, so that it only serves to compare; struck ones do not count.
        """
        random = torch.Generator().manual_seed(0)
        noisy, level, sigma = self.held_out.patches(HELD_OUT_PATCHES, self.patch, random)
        if self.facts is not None:
            return stein_psnr(lambda x: restored(network, x, level), noisy, sigma[:, :1], self.facts, random)
        _, one, other, there = self._sub_sampled(noisy, level, random)
        if self.impulses:
            other = torch.where(at_the_ends(other), torch.nan, other)
        return float(-10 * distance(restored(network, one, there), other, squared=True).log10())

    def _sub_sampled(
        self, noisy: torch.Tensor, level: torch.Tensor, random: torch.Generator
    ) -> tuple[tuple[torch.Tensor, torch.Tensor], torch.Tensor, torch.Tensor, torch.Tensor]:
        """Two pixels of each cell, as `pick` draws them: which ones, for `sampled`; the first ones, which make the
        input; the second ones, the target; and the level where the first ones are.
        """
        first, second = pick(len(noisy), self.patch // (2 * self.stride), random)
        one, there = sampled(noisy, first, self.stride), sampled(level, first, self.stride)
        return (first, second), one, sampled(noisy, second, self.stride), there


def distance(result: torch.Tensor, target: torch.Tensor, *, squared: bool) -> torch.Tensor:
    """The mean of squared or absolute differences, where the target is known; there may be several in a stack."""
    known = ~target.isnan()
    difference = torch.where(known, result - target.nan_to_num(), 0.0)
    error = difference.square() if squared else difference.abs()
    return error.sum() / known.sum().clamp(min=1)


def true_psnr(result: torch.Tensor, noisy: torch.Tensor, one: torch.Tensor, other: torch.Tensor) -> float:
    """PSNR in dB against what no one has seen, from two witnesses whose errors are independent of each other.

    All are float `[batch, channels, height, width]`, 1.0 = white, witnesses NaN where they know nothing. The mean
    square error is the result's mean square distance from them, less their noise: half of the mean square of what they
    differ by. In patches where both are the same shot, its noise is told by `noisy`, another one, NaN where it is lost.
    Where noise was clipped, witnesses are off, and do not count unless there is hardly anything else.
    """
    known = _inside(noisy, ~(one + other).isnan())
    one, other = one.nan_to_num(), other.nan_to_num()
    same = ((one == other) | ~known).flatten(1).all(dim=1)
    noise = torch.where(same, _unshared(one, noisy, known), _means((one - other).square() / 2, known))
    errors = _means(((result - one).square() + (result - other).square()) / 2, known) - noise
    places = known.flatten(1).sum(dim=1)
    error, noise = ((each * places).sum() / places.sum().clamp(min=1) for each in (errors, noise))
    least = max(TELLING * float(noise), LEAST_ERROR)
    # By chance the error may come out below zero; this stays above, and is still the less the less it is.
    return -10 * math.log10((float(error) + math.hypot(float(error), 2 * least)) / 2)


def _inside(noisy: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Which of the known places are not clipped; all if these are hardly any."""
    inside = known & (_around(at_the_ends(noisy).float(), ~noisy.isnan()) < CLIPPED)
    return inside if inside.sum() > HARDLY_ANY * known.sum() else known


def _unshared(witness: torch.Tensor, noisy: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """The variance of a witness's noise in each patch, from another shot, which shares the scene but not the noise.

    That is the mean of (witness - anything) (witness - noisy), if the former is as near to the noise of both, here what
    is around; it serves to make chance small. Interpolated witnesses, which are less noisy, are no special case.
    """
    known = known & ~noisy.isnan()
    around = _around((witness + noisy) / 2, known)
    return _means((witness - around) * (witness - noisy), known)


def _around(x: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """The mean of what is known in a window about each place."""
    total, share = (
        F.avg_pool2d(part, AROUND, stride=1, padding=AROUND // 2) for part in (x.where(known, 0.0), known.to(x.dtype))
    )
    return total / share.clamp(min=AROUND**-2)


def _means(x: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Patch by patch, of what is known: `[batch]`."""
    return x.where(known, 0.0).flatten(1).sum(dim=1) / known.flatten(1).sum(dim=1).clamp(min=1)


def pick(count: int, side: int, random: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """For each cell of four pixels the numbers of two that lie side by side: int `[count, 1, side, side]` each."""
    sides = torch.tensor([[0, 1], [1, 0], [0, 2], [2, 0], [1, 3], [3, 1], [2, 3], [3, 2]])
    chosen = sides[torch.randint(0, len(sides), (count, 1, side, side), generator=random)]
    return chosen[..., 0], chosen[..., 1]


def sampled(x: torch.Tensor, choice: torch.Tensor, stride: int) -> torch.Tensor:
    """One pixel of each cell of four that are `stride` apart: `[batch * stride**2, channels, side, side]`.

    `choice`: int `[batch, 1, side, side]`, 0 to 3 by rows; the same for all of the `stride**2` interleaved pictures.
    """
    x = interleaved(x, stride)
    count, channels, height, width = x.shape
    cells = F.pixel_unshuffle(x, 2).reshape(count, channels, 4, height // 2, width // 2)
    chosen = choice.to(x.device).repeat_interleave(stride**2, dim=0)[:, :, None].expand(-1, channels, -1, -1, -1)
    return cells.gather(2, chosen).squeeze(2)
