from __future__ import annotations

import pytest
import torch
from torch import nn

from denoise_cli.networks import build
from denoise_cli.runtime import winograd
from denoise_cli.runtime.fused import fused
from denoise_cli.runtime.winograd import CHANNELS, WinogradConv
from tests.runtime import convolutions

CPU = torch.device("cpu")


def convolution(inputs: int = CHANNELS, outputs: int = CHANNELS, kernel: int = 3, bias: bool = True) -> nn.Conv2d:
    return convolutions.convolution(inputs, outputs, kernel, bias=bias)


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (4, 4), (5, 70), (33, 16), (60, 31)])
@pytest.mark.parametrize("bias", [True, False])
def test_it_is_the_convolution(size: tuple[int, int], bias: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    conv = convolution(outputs=CHANNELS + 3, bias=bias)
    x, onto = torch.randn(2, CHANNELS, *size), torch.randn(2, CHANNELS + 3, *size)
    for at_once in (CHANNELS, 8 * CHANNELS, winograd.AT_ONCE):  # a row of windows at a time, several, all
        monkeypatch.setattr(winograd, "AT_ONCE", at_once)
        for relu in (False, True):
            layer = WinogradConv(conv, relu=relu)
            expected, summed = (y.relu() if relu else y for y in (conv(x), conv(x) + onto))
            assert (layer(x) - expected).abs().max() < 5e-5
            assert (layer(x, onto=onto.clone()) - summed).abs().max() < 5e-5


def test_a_sum_takes_the_place_of_what_is_added_to_and_the_input_stays() -> None:
    layer = WinogradConv(convolution(), relu=True)
    x, onto = (torch.randn(1, CHANNELS, 9, 10).to(memory_format=torch.channels_last) for _ in range(2))
    before = x.clone()
    assert layer(x, onto=onto).data_ptr() == onto.data_ptr()
    assert torch.equal(x, before)


@pytest.mark.parametrize(
    "conv",
    [
        convolution(kernel=1),
        convolution(kernel=5),
        convolution(inputs=64),
        convolution(outputs=12),
        *convolutions.not_plain(CHANNELS, 3),
    ],
    ids=str,
)
def test_other_convolutions_are_left_alone(conv: nn.Conv2d) -> None:
    assert WinogradConv.suits(convolution())
    assert not WinogradConv.suits(conv)


@torch.inference_mode()
def test_it_is_used_in_float32_and_a_network_gives_what_it_gave() -> None:
    network = build("unet", {"channels": 3, "widths": [CHANNELS, 2 * CHANNELS], "blocks": 1}).eval()
    nn.init.normal_(network.scales.tail.weight, std=0.01)  # type: ignore[union-attr, arg-type]
    layers = {
        dtype: sum(isinstance(layer, WinogradConv) for layer in fused(network, CPU, dtype).modules())
        for dtype in (torch.float32, torch.bfloat16)
    }
    assert layers == {torch.float32: 6, torch.bfloat16: 0}
    x = torch.rand(1, 4, 40, 56)
    assert (fused(network, CPU, torch.float32)(x) - network(x)).abs().max() < 1e-5
