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
