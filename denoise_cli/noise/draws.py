"""Random numbers where they are needed, all following from one generator of the CPU."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def normal(shape: Sequence[int], random: torch.Generator, device: torch.device) -> torch.Tensor:
    """Normal draws on a device.

    Elsewhere than on the CPU by a generator of the device that `random` seeds, as drawing here and sending there would
    take a GPU's training several times as long as all the rest of a step. So there they are other draws than here.
    """
    if device.type == "cpu":
        return torch.randn(*shape, generator=random)
    seed = int(torch.randint(2**62, (), generator=random))
    return torch.randn(*shape, generator=torch.Generator(device).manual_seed(seed), device=device)


def uniform(count: int, low: float, high: float, random: torch.Generator, device: torch.device) -> torch.Tensor:
    """`[count, 1, 1, 1]`, one for each patch, evenly from a range."""
    return sent(torch.empty(count, 1, 1, 1).uniform_(low, high, generator=random), device)


def chance(count: int, share: float, random: torch.Generator, device: torch.device) -> torch.Tensor:
    """Bool `[count, 1, 1, 1]`: which patches something happens to, to this share of them in the long run."""
    return sent(torch.rand(count, 1, 1, 1, generator=random) < share, device)


def sent(draws: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A few of the CPU's draws on a device; CUDA, which has its own copy before this returns, is not waited for."""
    return draws.to(device, non_blocking=device.type == "cuda")
