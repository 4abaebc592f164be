from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from denoise_cli.measure.quality import psnr
from denoise_cli.runtime import fused as module
from denoise_cli.runtime.fused import FusedConv, fused, has_one_call
from tests.conftest import TOYS, toy_input, toy_network

CPU = torch.device("cpu")


@pytest.mark.parametrize("architecture", TOYS)
@torch.inference_mode()
def test_folded_and_fused_equals_plain(architecture: str) -> None:
    network = toy_network(architecture)
    x = toy_input(network, 40, 48)
    assert (fused(network, CPU, torch.float32)(x) - network(x)).abs().max() < 1e-5


@pytest.mark.parametrize("architecture", TOYS)
@torch.inference_mode()
def test_without_the_one_call_the_result_is_the_same(architecture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "has_one_call", lambda dtype: False)
    network = toy_network(architecture)
    plain = fused(network, CPU, torch.float32)
    assert not any(layer.one_call for layer in plain.modules() if isinstance(layer, FusedConv))
    x = toy_input(network, 40, 48)
    assert (plain(x) - network(x)).abs().max() < 1e-5


@pytest.mark.parametrize("one_call", [True, False])
@torch.inference_mode()
def test_what_a_network_is_given_stays_as_it_is(one_call: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its residual blocks add in place."""
    monkeypatch.setattr(module, "has_one_call", lambda dtype: one_call)
    network = toy_network("unet")
    x = toy_input(network, 40, 48).to(memory_format=torch.channels_last)
    before = x.clone()
    fused(network, CPU, torch.float32)(x)
    assert torch.equal(x, before)


def test_no_batch_norm_and_no_relu_is_left() -> None:
    layers = list(fused(toy_network("dncnn"), CPU, torch.float32).modules())
    assert not any(isinstance(layer, (nn.BatchNorm2d, nn.ReLU)) for layer in layers)


def test_the_network_itself_stays_as_it_is() -> None:
    network = toy_network("dncnn")
    before = copy.deepcopy(network.state_dict())
    fused(network, CPU, torch.bfloat16)
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_missing_operator_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*arguments: object) -> None:
        raise AttributeError("no such operator")

    monkeypatch.setattr(torch.ops.mkldnn, "_convolution_pointwise", gone, raising=False)
    assert not has_one_call(torch.float32)


def test_a_missing_sum_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(*arguments: object) -> None:
        raise TypeError("it takes other arguments")

    monkeypatch.setattr(torch.ops.mkldnn, "_convolution_pointwise_", other, raising=False)
    assert not has_one_call(torch.float32)


def test_an_operator_that_computes_something_else_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(x: torch.Tensor, w: torch.Tensor, *rest: object) -> torch.Tensor:
        return torch.zeros(1, 8, 7, 7)

    monkeypatch.setattr(torch.ops.mkldnn, "_convolution_pointwise", wrong, raising=False)
    assert not has_one_call(torch.float32)


@pytest.mark.parametrize("model", ["photo", "cae"])  # others take long where bfloat16 is not native
def test_bf16_costs_less_than_a_fiftieth_of_a_decibel(model: str, noisy_jpeg: object) -> None:
    """Against float32, on a real picture with noise, by bundled networks."""
    from PIL import Image

    from denoise_cli.denoisers.catalogue import load
    from denoise_cli.noise.synthetic import add_gaussian

    clean = np.asarray(Image.open(noisy_jpeg).crop((200, 200, 296, 296)), np.float32) / 255
    noisy = add_gaussian(clean, 25, seed=0)
    results = [load(model, device="cpu", precision=precision)(noisy) for precision in ("fp32", "bf16")]
    assert not np.array_equal(*results)
    quality = [psnr(result, clean) for result in results]
    assert abs(quality[0] - quality[1]) < 0.02
