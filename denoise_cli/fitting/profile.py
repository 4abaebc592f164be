"""The cheapest thing to learn from noisy pictures: how strongly a network should act, at which brightness."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from denoise_cli.denoisers.card import Card
from denoise_cli.fitting.findings import Findings
from denoise_cli.fitting.noise2noise import Neighbor2Neighbor, Noise2Noise
from denoise_cli.fitting.recipe import Recipe
from denoise_cli.networks.profiled import Profiled
from denoise_cli.networks.unet import UNet
from denoise_cli.noise.measure import NoiseFacts

# The learning rate of a curve around a network, and the share of the recipe's steps that it takes. Chosen: a curve has
# about a hundred parameters, not millions. Half of them are logarithms of slopes, which a step of 0.01 changes by 1 %.
CURVE_RATE, CURVE_STEPS = 0.01, 0.2
# Tried on the measured curve. Chosen: each is about 1.2 to 1.35 times the one before, from a little less than was
# measured, for results that keep more texture, up to what wide grain takes (3 to 4 times; noise/coarseness.py).
GAINS = (0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 2.7, 3.5)


def profiled(
    recipe: Recipe, given: UNet, card: Card, facts: NoiseFacts, objective: Noise2Noise | Neighbor2Neighbor
) -> Recipe:
    """The recipe for the given network with the noise profile that serves best: the measured one, scaled.

    What is trained on judges; what is held out chooses nothing.
    """
    seen = replace(objective, held_out=objective.scenes)
    curve = facts.levels
    strides = (1,) if facts.grain == 1 else (1, 2)
    best, best_psnr = recipe, -np.inf
    for stride in strides:
        for gain in GAINS:
            levels = [round(float(gain * sigma), 4) for sigma in curve]
            arguments: dict[str, Any] = {
                "levels": levels,
                "stride": stride,
                "channels": given.channels,
                "base": base_arguments(card),
            }
            with torch.device("meta"):  # its U-Net is the given one
                network = Profiled(**arguments)
            network.base = given
            psnr = seen.psnr(network.eval())
            if psnr > best_psnr:
                best, best_psnr = replace(recipe, architecture="profiled", arguments=arguments), psnr
    return best


def stabilised(recipe: Recipe, given: UNet, card: Card, findings: Findings) -> Recipe:
    """The recipe for a curve around the given network, which is left alone (Noise2VST, Herbreteau & Unser 2025)."""
    levels = [round(float(sigma), 4) for sigma in findings.facts.levels]
    said = findings.wish.given
    return replace(
        recipe,
        architecture="stabilised",
        arguments={"levels": levels, "channels": given.channels, "base": base_arguments(card)},
        only="curve",
        steps=recipe.steps if "steps" in said else max(1, round(recipe.steps * CURVE_STEPS)),
        learning_rate=recipe.learning_rate if "learning_rate" in said else CURVE_RATE,
        weight_decay=0.0,
    )


def base_arguments(card: Card) -> dict[str, Any]:
    return {name: value for name, value in card.arguments.items() if name not in ("channels", "estimates")}
