"""Inference of a trained network with fewer passes over memory.

Batch norms are folded into their convolutions; on a CPU, convolution and ReLU run as one oneDNN call, or, where kernels
are large, by Fourier transforms.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from denoise_cli.networks.blocks import Network
from denoise_cli.runtime.fourier import FourierConv
from denoise_cli.runtime.precision import uses_amx


class FusedConv(nn.Module):
    """A convolution and, with `relu`, its ReLU, in one call of oneDNN: the one that torch's own compiler makes.

    That operator is not part of torch's public interface, so `one_call` says whether it is there and does the same
    as the plain operations, which take its place otherwise.
    """

    def __init__(self, conv: nn.Conv2d, *, relu: bool, one_call: bool) -> None:
        super().__init__()
        self.conv, self.relu, self.one_call = conv, relu, one_call

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        c = self.conv
        if self.one_call:
            fused: torch.Tensor = torch.ops.mkldnn._convolution_pointwise(
                x, c.weight, c.bias, c.padding, c.stride, c.dilation, c.groups, "relu" if self.relu else "none", [], ""
            )
            return fused
        y = F.conv2d(x, c.weight, c.bias, c.stride, c.padding, c.dilation, c.groups)
        return y.relu_() if self.relu else y


class Lowered(nn.Module):
    """A part of a network that computes in `dtype`, float32 outside: skips around it keep full precision."""

    def __init__(self, part: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.part, self.dtype = part.to(dtype), dtype

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.part(x.to(self.dtype, memory_format=torch.channels_last))
        return y.float()


def fused(network: nn.Module, device: torch.device, dtype: torch.dtype) -> nn.Module:
    """A copy of a network for inference on a device: folded, fused, its parts in `dtype`; the network stays."""
    faster = copy.deepcopy(network).eval().requires_grad_(False).to(device)
    cpu = device.type == "cpu"
    ways = _Ways(cpu and has_one_call(dtype), cpu and not uses_amx(dtype))
    if isinstance(faster, Network):
        faster.level = None  # which `forward` does not call
    for name, part in list(faster.named_children()):
        inner = isinstance(part, Network)  # whose own skips keep full precision
        setattr(faster, name, fused(part, device, dtype) if inner else Lowered(_folded(part, ways), dtype))
    if isinstance(faster, Network) and not faster.skips and dtype != torch.float32:
        _exact_end(faster, name)
    return faster.to(memory_format=torch.channels_last)  # type: ignore[no-any-return, call-overload]


def _exact_end(network: Network, name: str) -> None:
    """The last convolution of the part of that name, in float32: what it gives is the picture itself."""
    lowered: Any = getattr(network, name)
    *most, end = lowered.part
    lowered.part = nn.Sequential(*most)
    setattr(network, name, nn.Sequential(lowered, end.float()))


@dataclass(frozen=True)
class _Ways:
    """Whether convolutions may be one call of oneDNN, and large ones Fourier transforms."""

    one_call: bool
    fourier: bool


def _folded(module: nn.Module, ways: _Ways) -> nn.Module:
    if isinstance(module, nn.Sequential):
        return nn.Sequential(*_pairs(module, ways))
    for name, child in list(module.named_children()):
        setattr(module, name, _folded(child, ways))
    return module


def _pairs(layers: nn.Sequential, ways: _Ways) -> Iterator[nn.Module]:
    """The layers of a sequence with convolution, batch norm and ReLU as one wherever they follow each other."""
    todo = list(layers)
    while todo:
        layer = todo.pop(0)
        if not isinstance(layer, nn.Conv2d):
            yield _folded(layer, ways)
            continue
        if todo and isinstance(norm := todo[0], nn.BatchNorm2d):
            todo.pop(0)
            layer = fuse_conv_bn_eval(layer, norm)
        relu = bool(todo) and isinstance(todo[0], nn.ReLU)
        if relu:
            todo.pop(0)
        if ways.fourier and FourierConv.suits(layer):
            yield FourierConv(layer, relu=relu)
        else:
            yield FusedConv(layer, relu=relu, one_call=ways.one_call)


@torch.inference_mode()
def has_one_call(dtype: torch.dtype) -> bool:
    """Whether oneDNN's convolution with ReLU is there for `dtype` and gives what the plain operations give, but for
    rounding, which in bfloat16 is of the eighth bit.
    """
    conv = nn.Conv2d(3, 8, 3, padding=1, device="meta", dtype=dtype).to_empty(device="cpu")  # not by chance
    for parameter in conv.parameters():
        parameter.copy_(torch.linspace(-0.2, 0.2, parameter.numel()).view_as(parameter))
    x = torch.linspace(-1, 1, 3 * 7 * 7).reshape(1, 3, 7, 7).to(dtype)
    try:
        together = FusedConv(conv, relu=True, one_call=True)(x)
    except (AttributeError, RuntimeError, TypeError):
        return False
    apart = FusedConv(conv, relu=True, one_call=False)(x)
    return bool(torch.allclose(together, apart, rtol=0.05, atol=0.02))
