from __future__ import annotations

import pytest
import torch

from denoise_cli.fitting.optimizers import Muon, optimizers, orthogonal
from denoise_cli.networks import build
from tests.fitting.toys import SMALL


def test_an_orthogonal_update_has_singular_values_near_one() -> None:
    for shape in ((2, 40, 90), (2, 90, 40)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape, generator=torch.Generator().manual_seed(0))))
        assert values.min() > 0.5
        assert values.max() < 1.4


def test_parameters_of_one_shape_are_updated_together_as_each_alone() -> None:
    random = torch.Generator().manual_seed(0)
    starts, gradients = (torch.randn(3, 32, 40, 3, 3, generator=random) for _ in range(2))

    def updated(numbers: list[int]) -> list[torch.Tensor]:
        parameters = [torch.nn.Parameter(starts[number].clone()) for number in numbers]
        muon = Muon(parameters, lr=0.1, weight_decay=0.1)
        for _ in range(2):
            for parameter, number in zip(parameters, numbers, strict=True):
                parameter.grad = gradients[number]
            muon.step()
        return [parameter.detach() for parameter in parameters]

    for number, together in enumerate(updated([0, 1, 2])):
        (alone,) = updated([number])
        assert (alone - starts[number]).abs().max() > 1e-3
        assert torch.allclose(together, alone, atol=1e-3)


def test_inner_convolutions_are_muons_and_all_else_adamws() -> None:
    network = build("dncnn", {"filters": 32, "layers": 4})
    muon, adamw = optimizers(network, lr=1e-3, weight_decay=0.0)
    assert isinstance(muon, Muon)
    inner = [p for group in muon.param_groups for p in group["params"]]
    assert [tuple(p.shape) for p in inner] == [(32, 32, 3, 3)] * 2
    others = sum(len(group["params"]) for group in adamw.param_groups)
    assert others + len(inner) == len(list(network.parameters()))


def test_the_rate_rises_and_falls_to_zero() -> None:
    rates = [SMALL.rate(step) for step in range(SMALL.steps)]
    assert rates[0] == pytest.approx(SMALL.learning_rate / 5)
    assert max(rates) == pytest.approx(SMALL.learning_rate)
    assert rates[-1] < SMALL.learning_rate / 100
