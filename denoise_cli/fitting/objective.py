"""What a network is trained for: where its pictures come from, and how far off it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F

from denoise_cli.fitting.forward import restored
from denoise_cli.fitting.noisy import NoisyPatches, noisy_patches
from denoise_cli.fitting.patches import PatchSource
from denoise_cli.networks.blocks import Network
from denoise_cli.networks.level import level_error
from denoise_cli.noise.spec import NoiseRange
from denoise_cli.runtime.precision import autocast

HELD_OUT_PATCHES = 16  # that progress is measured on
HELD_OUT_SIDE = 96  # their pixels a side, where clean pictures are known
LEAST_ERROR = 1e-7  # mean square of a patch that counts: one without any, as of white sky, would make the mean infinite
LEVEL_WEIGHT = 0.02  # of the level estimator's error, a larger number than that of pixels: so both count about alike


class Objective(Protocol):
    """What the training loop minimises, and what it shows of its progress."""

    def loss(self, network: Network, random: torch.Generator) -> torch.Tensor:
        """One number with a gradient, on pictures drawn by a generator of the CPU."""

    def psnr(self, network: Network) -> float:
        """How good the network is, in dB, on pictures that it is not trained on: always the same ones."""


@dataclass(frozen=True)
class SyntheticNoise:
    """Clean patches and fresh noise on them, `batch` patches of `patch` x `patch` pixels.

    `squared`: the mean square as the loss, not the mean of absolute errors. `only_level`: for a level estimator alone,
    whatever the network makes of the patches.
    """

    photos: PatchSource
    held_out: PatchSource
    noise: Sequence[NoiseRange]
    batch: int
    patch: int
    gray: float = 0.0
    squared: bool = False
    only_level: bool = False

    def loss(self, network: Network, random: torch.Generator) -> torch.Tensor:
        clean = self.photos.patches(self.batch, self.patch, random)
        patches = noisy_patches(clean, self.noise, random, gray=self.gray)
        if self.only_level and network.level is not None:
            with autocast(clean.device):
                return level_error(network.level(patches.noisy), patches.sigma)
        return training_loss(network, patches, squared=self.squared)

    def psnr(self, network: Network) -> float:
        """At Gaussian sigma 25."""
        random = torch.Generator().manual_seed(0)
        clean = self.held_out.patches(HELD_OUT_PATCHES, HELD_OUT_SIDE, random)
        noisy = noisy_patches(clean, [NoiseRange("gaussian", 25, 25)], random)
        return mean_psnr(network, noisy)


def training_loss(network: Network, patches: NoisyPatches, *, squared: bool) -> torch.Tensor:
    """The mean of absolute or squared errors, and the level estimator's error where the network has one."""
    result = restored(network, patches.noisy, patches.told)
    loss = (F.mse_loss if squared else F.l1_loss)(result, patches.clean)
    if network.level is None:
        return loss
    with autocast(patches.noisy.device):
        estimate = network.level(patches.noisy)
    return loss + LEVEL_WEIGHT * level_error(estimate, patches.sigma)


@torch.no_grad()
def mean_psnr(network: Network, patches: NoisyPatches) -> float:
    """PSNR in dB of results clipped to 0..1, the mean of the patches', of which none counts as more than 70."""
    result = restored(network, patches.noisy, patches.told).clamp(0, 1)
    squared_errors = (result - patches.clean).square().mean(dim=(1, 2, 3)).clamp(min=LEAST_ERROR)
    return float((-10 * squared_errors.log10()).mean())
