"""Inference of a trained network with fewer passes over memory.

Batch norms are folded into their convolutions; on a CPU, a convolution runs with its ReLU, or with the sum it is a part
of, as one oneDNN call, or, where that is faster, by way of transforms.
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
from denoise_cli.networks.unet import Block
from denoise_cli.runtime.fourier import FourierConv
from denoise_cli.runtime.precision import uses_amx
from denoise_cli.runtime.winograd import WinogradConv


class FusedConv(nn.Module):
    """A convolution and, with `relu`, its ReLU, in one call of oneDNN: the one that torch's own compiler makes.

    `onto` is what the result is added to, in its place: its own values are lost. That operator is not part of torch's
    public interface, so `one_call` says whether it is there and does the same as the plain operations, which take its
    place otherwise.
    """

    def __init__(self, conv: nn.Conv2d, *, relu: bool, one_call: bool) -> None:
        super().__init__()
        self.conv, self.relu, self.one_call = conv, relu, one_call

    def forward(self, x: torch.Tensor, onto: torch.Tensor | None = None) -> torch.Tensor:
        c, relu = self.conv, "relu" if self.relu else None
        if self.one_call:
            what, ops = (x, c.weight, c.bias, c.padding, c.stride, c.dilation, c.groups), torch.ops.mkldnn
            fused: torch.Tensor = (
                ops._convolution_pointwise(*what, relu or "none", [], "")
                if onto is None
                else ops._convolution_pointwise_(onto, *what, "add", 1, relu, [], None)
            )
            return fused
        y = F.conv2d(x, c.weight, c.bias, c.stride, c.padding, c.dilation, c.groups)
        y = y if onto is None else onto.add_(y)
        return y.relu_() if relu else y


class FusedBlock(nn.Module):
    """A residual block that adds its last convolution to its input in the input's place: a pass and a tensor less."""

    def __init__(self, first: nn.Module, last: nn.Module) -> None:
        super().__init__()
        self.first, self.last = first, last

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.last(self.first(x), onto=x)
        return y


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
    ways = _Ways(cpu and has_one_call(dtype), cpu and not uses_amx(dtype), cpu and dtype == torch.float32)
    if isinstance(faster, Network):
        faster.level = None  # which `forward` does not call
    parts = list(faster.named_children())
    exact = isinstance(faster, Network) and not faster.skips and dtype != torch.float32
    for name, part in parts:
        if isinstance(part, Network):  # whose own skips keep full precision
            setattr(faster, name, fused(part, device, dtype))
        else:
            setattr(faster, name, _lowered(_folded(part, ways), dtype, exact_end=exact and name == parts[-1][0]))
    return faster.to(memory_format=torch.channels_last)  # type: ignore[no-any-return, call-overload]


def _lowered(part: Any, dtype: torch.dtype, *, exact_end: bool) -> nn.Module:
    """`exact_end`: the last convolution stays in float32, as what it gives is the picture itself."""
    if not exact_end:
        return Lowered(part, dtype)
    *most, end = part
    return nn.Sequential(Lowered(nn.Sequential(*most), dtype), end)


@dataclass(frozen=True)
class _Ways:
    """Whether convolutions may be one call of oneDNN, and which transforms they may go by."""

    one_call: bool
    fourier: bool
    winograd: bool


def _folded(module: nn.Module, ways: _Ways) -> nn.Module:
    if isinstance(module, Block):
        return FusedBlock(*_pairs(module.body, ways))  # 3x3, which Fourier does not suit
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
        elif ways.winograd and WinogradConv.suits(layer):
            yield WinogradConv(layer, relu=relu)
        else:
            yield FusedConv(layer, relu=relu, one_call=ways.one_call)


@torch.inference_mode()
def has_one_call(dtype: torch.dtype) -> bool:
    """Whether oneDNN's convolution with ReLU and sum is there for `dtype` and gives what the plain operations give, but
    for rounding, which in bfloat16 is of the eighth bit.
    """
    conv = nn.Conv2d(3, 8, 3, padding=1, device="meta", dtype=dtype).to_empty(device="cpu")  # not by chance
    for parameter in conv.parameters():
        parameter.copy_(torch.linspace(-0.2, 0.2, parameter.numel()).view_as(parameter))
    x = torch.linspace(-1, 1, 3 * 7 * 7).reshape(1, 3, 7, 7).to(dtype)
    block = torch.linspace(1, -1, 8 * 7 * 7).reshape(1, 8, 7, 7).to(dtype)
    together, apart = (FusedConv(conv, relu=True, one_call=one_call) for one_call in (True, False))
    try:
        pairs = [(together(x), apart(x)), (together(x, block.clone()), apart(x, block.clone()))]
    except (AttributeError, RuntimeError, TypeError):
        return False
    return all(torch.allclose(one, other, rtol=0.05, atol=0.02) for one, other in pairs)
