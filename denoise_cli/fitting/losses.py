"""What a training's steps have lost."""

from __future__ import annotations

import math

import torch

from denoise_cli.errors import FitError

SMOOTHING = 0.02  # share of each step in the loss that is shown, which is then about the mean of the last fifty


class Losses:
    """The steps' losses, each read when the next step is under way, so that a GPU is never waited for."""

    def __init__(self) -> None:
        self.smooth = 0.0
        self._unread: list[tuple[int, torch.Tensor]] = []

    def add(self, step: int, loss: torch.Tensor) -> None:
        """Raises FitError for a loss before this one that is no number."""
        self.read_all()
        self._unread.append((step, loss.detach()))

    def read_all(self) -> None:
        """Raises FitError for a loss that is no number."""
        while self._unread:
            step, loss = self._unread.pop()
            lost = loss.item()
            if not math.isfinite(lost):
                raise FitError(f"the training broke down at step {step}: its loss is {lost}; a lower --rate may help")
            self.smooth += SMOOTHING * (lost - self.smooth) if self.smooth else lost
