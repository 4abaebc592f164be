"""How learning from noisy pictures went: figures, what they mean, and examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from denoise_cli.fitting.forward import restored
from denoise_cli.fitting.noise2noise import Neighbor2Neighbor, Noise2Noise
from denoise_cli.fitting.residual import residual
from denoise_cli.images.image import Pixels
from denoise_cli.networks.blocks import Network
from denoise_cli.noise.measure import NoiseFacts

NOISY = "noisy"  # the name of the pictures as they are
EXAMPLES = 4  # that the report shows
LOOKED_AT = 16  # patches whose residual is told


@dataclass(frozen=True)
class Outcome:
    """Names of what was tried, and for each the PSNR in dB, as noisy pictures tell it; `chosen` is in the file.

    `lines`: what these figures mean, and what was taken away. `stopped`: whether Ctrl-C ended the training.
    `examples`: noisy and denoised by what was chosen, `[height, width, channels]`.
    """

    tried: tuple[tuple[str, float], ...]
    chosen: str
    lines: tuple[str, ...]
    stopped: bool
    examples: tuple[tuple[Pixels, Pixels], ...]


def outcome(
    scores: Mapping[str, float],
    chosen: str,
    network: Network,
    objective: Noise2Noise | Neighbor2Neighbor,
    facts: NoiseFacts,
    *,
    stopped: bool,
) -> Outcome:
    """`network`: the one that was chosen. `facts`: what the noise was measured to be."""
    noisy, clean = _results(objective, network)
    lines = (_meaning(objective, scores[chosen] - scores[NOISY]), residual(noisy, clean).account(facts))
    examples = tuple((_pixels(before), _pixels(after)) for before, after in zip(noisy, clean, strict=True))
    return Outcome(tuple(scores.items()), chosen, lines, stopped, examples[:EXAMPLES])


def _meaning(objective: Noise2Noise | Neighbor2Neighbor, gain: float) -> str:
    if isinstance(objective, Noise2Noise):
        return f"against the scenes themselves, as their other frames tell them: {gain:+.2f} dB"
    if objective.facts is not None:
        return f"against what nobody has seen, by Stein's estimate from the noise measured: about {gain:+.1f} dB"
    return "each picture was only taken once, so these figures contain its noise and only serve to compare"


@torch.no_grad()
def _results(objective: Noise2Noise | Neighbor2Neighbor, network: Network) -> tuple[torch.Tensor, torch.Tensor]:
    """Noisy and denoised patches of what is held out."""
    noisy, level = objective.held_out.patches(LOOKED_AT, objective.patch, torch.Generator().manual_seed(1))[:2]
    return noisy, restored(network, noisy, level)


def _pixels(patch: torch.Tensor) -> Pixels:
    pixels: Pixels = patch.permute(1, 2, 0).cpu().numpy()
    return pixels
