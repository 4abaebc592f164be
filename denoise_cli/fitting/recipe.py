"""How a network is trained, in one frozen record that goes onto its card."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """All that decides a training's outcome, besides the pictures.

    `noise` is a kind and a range of levels on the 0..255 scale, drawn afresh for every patch, such as
    `gaussian:0-55`, or a mixture of kinds, such as `gaussian:0-55+camera`. `gray` is the share of patches that lose
    their colour and have one noise in all channels. `loss` is l1 or l2, the mean of absolute or squared errors.
    `steps` updates of `batch` crops of `patch` x `patch` pixels each.
    """

    architecture: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    noise: str = "gaussian:0-55"
    gray: float = 0.0
    steps: int = 20_000
    batch: int = 16
    patch: int = 64
    learning_rate: float = 1e-3
    warmup: int = 200  # steps
    weight_decay: float = 1e-4
    ema: float = 0.999  # how much of the averaged weights a step leaves, once the average has begun
    freeze_norms_after: float = 0.6  # of the steps; then batch norms use the statistics they will be shipped with
    loss: str = "l1"
    only: str = ""  # the part of the network that is trained, such as `level`; empty: all
    seed: int = 0

    def rate(self, step: int) -> float:
        """The learning rate at a step: linear warm-up, then cosine decay to zero (Loshchilov & Hutter 2017)."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
