"""What a network is trained for: where its pictures come from, and how far off it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F

from denoise_cli.fitting.noisy import NoisyPatches, noisy_patches
from denoise_cli.fitting.patches import PatchSource
from denoise_cli.networks.blocks import Network
from denoise_cli.networks.level import level_error
from denoise_cli.noise.spec import NoiseRange
from denoise_cli.runtime.precision import autocast

HELD_OUT_PATCH = 96
LEVEL_WEIGHT = 0.02  # of an estimator, which shares nothing with the rest; so its errors weigh about as much as theirs


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
    device: torch.device
    gray: float = 0.0
    squared: bool = False
    only_level: bool = False

    def loss(self, network: Network, random: torch.Generator) -> torch.Tensor:
        clean = self.photos.patches(self.batch, self.patch, random)
        patches = noisy_patches(clean, self.noise, random, gray=self.gray)
        if self.only_level and network.level is not None:
            with autocast(self.device):
                return level_error(network.level(patches.noisy), patches.sigma)
        return error(network, patches, self.device, squared=self.squared)

    def psnr(self, network: Network) -> float:
        """At Gaussian sigma 25."""
        random = torch.Generator().manual_seed(0)
        clean = self.held_out.patches(16, HELD_OUT_PATCH, random)
        noisy = noisy_patches(clean, [NoiseRange("gaussian", 25, 25)], random)
        return quality(network, noisy, self.device)


def error(network: Network, patches: NoisyPatches, device: torch.device, *, squared: bool) -> torch.Tensor:
    """The mean of absolute or squared errors, and the level estimator's error where the network has one."""
    with autocast(device):
        restored = network(patches.input(network))
        estimate = None if network.level is None else network.level(patches.noisy)
    loss = (F.mse_loss if squared else F.l1_loss)(restored.float(), patches.clean)
    return loss if estimate is None else loss + LEVEL_WEIGHT * level_error(estimate, patches.sigma)


@torch.no_grad()
def quality(network: Network, patches: NoisyPatches, device: torch.device) -> float:
    """PSNR in dB, the mean of the patches'."""
    with autocast(device):
        restored = network(patches.input(network)).float().clamp(0, 1)
    squared_errors = (restored - patches.clean).square().mean(dim=(1, 2, 3))
    return float((-10 * squared_errors.log10()).mean())
