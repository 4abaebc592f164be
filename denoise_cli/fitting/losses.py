"""What a training's steps have lost."""

from __future__ import annotations

import math

import torch

from denoise_cli.errors import FitError

SMOOTHING = 0.02  # share of each step in the loss that is shown, which is then about the mean of the last fifty


class Losses:
    """The steps' losses, each read when the next step is under way, so that a GPU always has something to do."""

    def __init__(self) -> None:
        self.smooth = 0.0
        self._unread: list[tuple[int, torch.Tensor]] = []

    def add(self, step: int, loss: torch.Tensor) -> None:
        """Raises FitError for a loss before this one that is no number."""
        self._unread.append((step, loss.detach()))
        self._read(all_but=1)

    def read_all(self) -> None:
        """Raises FitError for a loss that is no number."""
        self._read(all_but=0)

    def _read(self, *, all_but: int) -> None:
        while len(self._unread) > all_but:
            step, loss = self._unread[0]
            lost = loss.item()  # here Ctrl-C comes most often, and leaves it unread
            if not math.isfinite(lost):
                raise FitError(f"the training broke down at step {step}: its loss is {lost}; a lower --rate may help")
            self.smooth += SMOOTHING * (lost - self.smooth) if self.smooth else lost
            del self._unread[0]
