"""Synthetic noise on training patches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from denoise_cli.fitting.forward import jitter
from denoise_cli.noise.camera import camera_noise, luma, softened, strength
from denoise_cli.noise.draws import chance, normal, sent
from denoise_cli.noise.spec import NoiseRange

TRAINING_KINDS = ("gaussian", "camera")


@dataclass(frozen=True)
class NoisyPatches:
    """Float `[batch, channels, height, width]` with and without noise, 1.0 = white.

    `sigma`: each patch's noise level, and `told`: the one that the network is told, both `[batch, 1, 1, 1]`.
    """

    clean: torch.Tensor
    noisy: torch.Tensor
    sigma: torch.Tensor
    told: torch.Tensor


def noisy_patches(
    clean: torch.Tensor, mixture: Sequence[NoiseRange], random: torch.Generator, *, gray: float = 0.0
) -> NoisyPatches:
    """Fresh noise on patches, each of a kind of the mixture; `gray` is the share of patches without colour.

    The generator is one of the CPU. A seed means the same patches on every device, but not the same noise, nor what is
    drawn after it.
    """
    if gray and clean.shape[1] == 3:
        clean = _some_gray(clean, gray, random)
    random_kinds = torch.randint(0, len(mixture), (len(clean),), generator=random)
    made = NoisyPatches(clean.clone(), torch.empty_like(clean), *clean.new_empty(2, len(clean), 1, 1, 1))
    for number, noise in enumerate(mixture):
        which = sent((random_kinds == number).nonzero().flatten(), clean.device)
        if len(which):
            part = _of_one_kind(clean[which], noise, random)
            made.clean[which], made.noisy[which] = part.clean, part.noisy
            made.sigma[which], made.told[which] = part.sigma, part.told
    return made


def _of_one_kind(clean: torch.Tensor, noise: NoiseRange, random: torch.Generator) -> NoisyPatches:
    """Patches without colour have the same noise in all channels."""
    without_colour = (clean == clean[:, :1]).flatten(1).all(dim=1).reshape(-1, 1, 1, 1)
    if noise.kind == "camera":
        clean = softened(clean, random)
        noisy = camera_noise(clean, random)
        noisy = torch.where(without_colour, luma(noisy), noisy)
        sigma = strength(noisy - clean)
        return NoisyPatches(clean, noisy, sigma, sigma * jitter(len(sigma), random, sigma.device))
    sigma = sent(levels(len(clean), noise, random), clean.device)
    grain = normal(clean.shape, random, clean.device)
    return NoisyPatches(clean, clean + torch.where(without_colour, grain[:, :1], grain) * sigma, sigma, sigma)


def levels(count: int, noise: NoiseRange, random: torch.Generator) -> torch.Tensor:
    """`[count, 1, 1, 1]` standard deviations, 1.0 = white.

    They are spread evenly over the range (stratified, in random places): batch norms then see nearly the same
    statistics in every batch.
    """
    places = (torch.randperm(count, generator=random) + torch.rand(count, generator=random)) / count
    return ((noise.low + (noise.high - noise.low) * places) / 255).reshape(-1, 1, 1, 1)


def _some_gray(clean: torch.Tensor, share: float, random: torch.Generator) -> torch.Tensor:
    return torch.where(chance(len(clean), share, random, clean.device), luma(clean), clean)
