"""The best weights that a training has had, by what is held out."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class Best:
    """`patience`: after how many reports in a row that bring nothing better a training counts as stalled."""

    def __init__(self, patience: int) -> None:
        self._patience, self._waited = patience, 0
        self._psnr = -float("inf")
        self._weights: dict[str, torch.Tensor] = {}

    def offer(self, psnr: float, network: nn.Module) -> None:
        self._waited += 1
        if psnr > self._psnr:
            self._psnr, self._waited = psnr, 0
            self._weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}

    @property
    def stalled(self) -> bool:
        return self._waited >= self._patience

    def put_into(self, network: nn.Module) -> None:
        """Nothing, before there was any offer."""
        if self._weights:
            network.load_state_dict(self._weights)

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"psnr": self._psnr, "waited": self._waited, "weights": self._weights}

    def restore(self, state: dict[str, Any]) -> None:
        self._psnr, self._waited, self._weights = state["psnr"], state["waited"], state["weights"]
