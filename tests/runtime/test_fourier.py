from __future__ import annotations

import pytest
import torch
from torch import nn

from denoise_cli.networks import build
from denoise_cli.runtime import precision
from denoise_cli.runtime.fourier import AT_ONCE, BLOCK, CHANNELS, FourierConv
from denoise_cli.runtime.fused import fused
from tests.runtime import convolutions

CPU = torch.device("cpu")


def convolution(inputs: int = CHANNELS, outputs: int = CHANNELS, kernel: int = 7, bias: bool = True) -> nn.Conv2d:
    return convolutions.convolution(inputs, outputs, kernel, bias=bias)


@pytest.mark.parametrize("size", [(1, 1), (5, 70), (26, 26), (27, 53), (60, 33)])
@pytest.mark.parametrize("kernel", [7, 9, 15])
def test_it_is_the_convolution(size: tuple[int, int], kernel: int) -> None:
    conv = convolution(kernel=kernel, outputs=CHANNELS + 3)
    x = torch.randn(2, CHANNELS, *size)
    for relu in (False, True):
        expected = conv(x).relu() if relu else conv(x)
        assert (FourierConv(conv, relu=relu)(x) - expected).abs().max() < 1e-5


def test_many_blocks_are_done_in_parts() -> None:
    conv = convolution()
    side = 9 * (BLOCK - 6)
    assert (side // (BLOCK - 6)) ** 2 > AT_ONCE
    x = torch.randn(1, CHANNELS, side, side)
    assert (FourierConv(conv, relu=False)(x) - conv(x)).abs().max() < 1e-5


def test_a_change_of_precision_changes_what_comes_out_and_not_the_weights() -> None:
    conv = convolution(bias=False)
    layer = FourierConv(conv, relu=False).to(torch.bfloat16)
    x = torch.randn(1, CHANNELS, 20, 20)
    result = layer(x.bfloat16())
    assert result.dtype == torch.bfloat16
    assert (result.float() - conv(x.bfloat16().float())).abs().max() < 0.02


@pytest.mark.parametrize(
    "conv",
    [
        convolution(kernel=5),
        convolution(kernel=8),
        convolution(kernel=17),
        convolution(inputs=3),
        convolution(outputs=3),
        *convolutions.not_plain(CHANNELS, 7),
    ],
    ids=str,
)
def test_other_convolutions_are_left_alone(conv: nn.Conv2d) -> None:
    assert FourierConv.suits(convolution())
    assert not FourierConv.suits(conv)


def test_it_is_used_where_it_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    def used(dtype: torch.dtype, amx: bool) -> bool:
        monkeypatch.setattr(precision, "_able", lambda what: amx)
        network = build("win5rb", {"channels": 3, "filters": CHANNELS}).eval()
        return any(isinstance(layer, FourierConv) for layer in fused(network, CPU, dtype).modules())

    assert used(torch.float32, amx=False)
    assert used(torch.bfloat16, amx=False)
    assert used(torch.float32, amx=True)
    assert not used(torch.bfloat16, amx=True)
