from __future__ import annotations

import pytest
import torch

from denoise_cli.fitting.residual import residual
from denoise_cli.noise.measure import NoiseFacts

WHITE = NoiseFacts(((0.5, 10.0),), (0.0, 0.0, 0.0))


def test_what_is_white_looks_like_the_noise() -> None:
    clean = torch.zeros(2, 3, 64, 64)
    found = residual(clean + torch.randn(clean.shape, generator=torch.Generator().manual_seed(0)) / 25.5, clean)
    assert found.sigma == pytest.approx(10, rel=0.03)
    assert found.correlation == pytest.approx(0, abs=0.03)
    assert "as in the noise" in found.account(WHITE)


def test_what_is_not_white_is_told() -> None:
    clean = torch.zeros(1, 1, 64, 64)
    stripes = torch.linspace(0, 20, 64).sin().expand_as(clean) / 25
    assert "detail is in it" in residual(clean + stripes, clean).account(WHITE)
    grainy = NoiseFacts(((0.5, 10.0),), (0.6, 0.2, 0.0), 0.0, 0.0)
    white = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0)) / 25
    assert "noise is left" in residual(clean + white, clean).account(grainy)
