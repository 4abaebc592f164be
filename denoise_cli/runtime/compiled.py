"""Networks compiled for the machine at hand, which long trainings are worth."""

from __future__ import annotations

import importlib.util
import os
import shutil
from typing import cast

import torch

from denoise_cli.errors import UsageError
from denoise_cli.networks.blocks import Network


def compiled(network: Network, device: torch.device) -> Network:
    """The same network, sharing its weights, by torch.compile.

    That takes half a minute at the first step; those after it take two thirds of the time (docs/results.md). On a GPU
    what the network asks of the card is recorded once and then replayed (CUDA graphs), without which a step of `unet`
    takes 1.4 times as long: the card waits for the computer.

    Raises UsageError where what it takes is not installed: a C++ compiler for the CPU, triton for a GPU.
    """
    if device.type == "cpu" and shutil.which(os.environ.get("CXX", "g++")) is None:
        raise UsageError("--compile takes a C++ compiler (g++, or what CXX names), and there is none; leave it out")
    if device.type == "cuda" and importlib.util.find_spec("triton") is None:
        raise UsageError("--compile takes the package triton on this device, which is not installed; leave it out")
    return cast(Network, torch.compile(network, mode="reduce-overhead" if device.type == "cuda" else None))
