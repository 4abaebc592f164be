"""The optimizers: Muon for the convolutions inside a network, AdamW for all else."""

from __future__ import annotations

import math
from typing import cast

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
            alike: dict[torch.Size, list[torch.Tensor]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike.setdefault(parameter.shape, []).append(parameter)
            for parameters in alike.values():  # together: on a GPU, starting so many small products one by one is slow
                gradients = [cast(torch.Tensor, parameter.grad) for parameter in parameters]
                momenta = [self._momentum(parameter) for parameter in parameters]
                torch._foreach_lerp_(momenta, gradients, 1 - MOMENTUM)
                ahead = torch.stack(torch._foreach_lerp(gradients, momenta, MOMENTUM))  # Nesterov's
                updates = orthogonal(ahead.flatten(2)).view_as(ahead)
                scale = ADAMW_RMS * math.sqrt(max(ahead[0].flatten(1).shape))
                torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_add_(parameters, updates.unbind(), alpha=-group["lr"] * scale)

    def _momentum(self, parameter: torch.Tensor) -> torch.Tensor:
        state = self.state[parameter]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        momentum: torch.Tensor = state["momentum"]
        return momentum


def orthogonal(matrices: torch.Tensor) -> torch.Tensor:
    """Roughly U V' of each matrix U S V' of `[count, rows, columns]`, by Newton-Schulz iteration in bfloat16.

    Singular values come near to 1.
    """
    a, b, c = QUINTIC
    tall = matrices.shape[1] > matrices.shape[2]
    x = (matrices.mT if tall else matrices).bfloat16()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(ITERATIONS):
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    nearest: torch.Tensor = (x.mT if tall else x).to(matrices.dtype)
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
