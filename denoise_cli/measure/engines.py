"""Other ways to compute the networks, to compare `runtime.fused` with."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch

from denoise_cli.networks.blocks import Network


def eager(network: Network, device: torch.device, dtype: torch.dtype) -> Callable[[torch.Tensor], torch.Tensor]:
    """PyTorch as it comes."""
    plain = copy.deepcopy(network).to(device, dtype)
    return lambda x: plain(x.contiguous())


def openvino(network: Network, device: torch.device, dtype: torch.dtype) -> Callable[[torch.Tensor], torch.Tensor]:
    """OpenVINO on the CPU, compiled once for each size of picture or tile."""
    import openvino as ov

    core = ov.Core()
    hint = {"INFERENCE_PRECISION_HINT": "bf16" if dtype == torch.bfloat16 else "f32"}
    compiled: dict[torch.Size, ov.CompiledModel] = {}

    def compute(x: torch.Tensor) -> torch.Tensor:
        if x.shape not in compiled:
            example = torch.zeros(1, x.shape[1], 64, 64)
            model = ov.convert_model(network, example_input=example, input=list(x.shape))
            compiled[x.shape] = core.compile_model(model, "CPU", hint)
        return torch.from_numpy(compiled[x.shape](x.contiguous().numpy())[0])

    return compute
