"""The optimizers: Muon for the convolutions inside a network, AdamW for all else."""

from __future__ import annotations

import math

import torch
from torch import nn

FEWEST_CHANNELS = 32  # in and out, of a convolution that is Muon's; first and last layers have fewer
MOMENTUM = 0.95
QUINTIC, ITERATIONS = (3.4445, -4.7750, 2.0315), 5  # of the Newton-Schulz iteration, from Jordan et al.
BETAS = 0.9, 0.99  # of AdamW
ADAMW_RMS = 0.2  # the size of an element's usual update by AdamW: so one learning rate serves both (Liu et al. 2025)


class Muon(torch.optim.Optimizer):
    """Updates by the orthogonal matrix that is nearest to the momentum (Jordan et al. 2024).

    A convolution's weights are one matrix, `[outputs, inputs * height * width]`. torch has a Muon too, which takes
    parameters of two dimensions only.
    """

    def __init__(self, parameters: list[nn.Parameter], *, lr: float, weight_decay: float) -> None:
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(parameter)
                momentum = state["momentum"]
                momentum.lerp_(parameter.grad, 1 - MOMENTUM)
                update = parameter.grad.lerp(momentum, MOMENTUM).flatten(1)  # Nesterov's look ahead
                scale = ADAMW_RMS * math.sqrt(max(update.shape))
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(orthogonal(update).reshape(parameter.shape), alpha=-group["lr"] * scale)


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """Roughly U V' of the matrix U S V', by Newton-Schulz iteration in bfloat16; singular values come near to 1."""
    a, b, c = QUINTIC
    tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if tall else matrix).bfloat16()
    x = x / (x.norm() + 1e-7)
    for _ in range(ITERATIONS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    nearest: torch.Tensor = (x.T if tall else x).to(matrix.dtype)
    return nearest


def optimizers(network: nn.Module, *, lr: float, weight_decay: float) -> list[torch.optim.Optimizer]:
    """Those that together train all of a network that is not frozen."""
    inner: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for parameter in filter(lambda parameter: parameter.requires_grad, network.parameters()):
        inside = parameter.ndim == 4 and min(parameter.shape[:2]) >= FEWEST_CHANNELS
        (inner if inside else others).append(parameter)
    muon = [Muon(inner, lr=lr, weight_decay=weight_decay)] if inner else []
    return [*muon, torch.optim.AdamW(others, lr=lr, weight_decay=weight_decay, betas=BETAS)]
