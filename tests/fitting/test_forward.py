from __future__ import annotations

import torch

from denoise_cli.fitting.forward import jitter, restored
from tests.conftest import toy_network

CPU = torch.device("cpu")


def test_only_networks_that_take_a_level_are_told_it() -> None:
    noisy = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    one, many = torch.full((2, 1, 1, 1), 0.1), torch.full((2, 3, 16, 16), 0.1)
    blind, told = toy_network("dncnn").eval(), toy_network("unet").eval()
    assert torch.equal(restored(blind, noisy), restored(blind, noisy, one))
    assert torch.equal(restored(told, noisy, one), restored(told, noisy, many))
    for result in (restored(blind, noisy), restored(told, noisy, one)):
        assert (result.shape, result.dtype) == (noisy.shape, torch.float32)


def test_levels_are_told_about_right_each_by_a_factor_of_its_own() -> None:
    factors = jitter(64, torch.Generator().manual_seed(0), CPU)
    assert factors.shape == (64, 1, 1, 1)
    assert 0.8 <= factors.min() < 0.9 < 1.15 < factors.max() <= 1.25
