"""The one place that decides in which precision a network computes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from denoise_cli.errors import UsageError
from denoise_cli.runtime.words import AUTO, PRECISIONS, check_precision

_TURN = threading.Lock()
DTYPES = dict(zip(PRECISIONS, (torch.float32, torch.bfloat16, torch.float16), strict=True))


def native_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 faster than float32: recent GPUs, CPUs with AMX or quick AVX512-BF16."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    if device.type == "cpu":
        return _able("amx_bf16") or (_able("avx512_bf16") and not _slow_avx512_bf16())
    return False


def _slow_avx512_bf16() -> bool:
    """Intel's processors since Sapphire Rapids, which leave bfloat16 to AMX, where a virtual machine hides that.

    AVX512-FP16 tells them from their predecessor. On one of them `dncnn` takes 1.3 s in float32, 2.5 s in bfloat16.
    """
    return _able("avx512_fp16") and "Intel" in str(_abilities().get("cpu_name"))


def uses_amx(dtype: torch.dtype) -> bool:
    """Whether the CPU has matrices of that type multiplied in one instruction, far faster than it can fetch them."""
    return dtype == torch.bfloat16 and _able("amx_bf16")


def _able(what: str) -> bool:
    return bool(_abilities().get(what))


def _abilities() -> dict[str, object]:
    abilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # older versions of torch do not tell
    return abilities


def choose_dtype(name: str, device: torch.device) -> torch.dtype:
    """`auto` (bfloat16 where the hardware multiplies it natively, else float32), `fp32`, `bf16` or `fp16`.

    Raises UsageError for another word, and for fp16 on a CPU, where it is emulated and of no use.
    """
    check_precision(name)
    if name == AUTO:
        return torch.bfloat16 if native_bf16(device) else torch.float32
    if name == "fp16" and device.type == "cpu":
        raise UsageError("fp16 is for GPUs; a CPU takes --precision auto, fp32 or bf16")
    return DTYPES[name]


@contextmanager
def exact_float32(device: torch.device) -> Iterator[None]:
    """Float32 that is float32 on GPUs too, where convolutions otherwise multiply with 10 bits of mantissa (TF32).

    That is a setting of the whole process: one thread at a time has it, and it is put back.
    """
    if device.type != "cuda":
        yield
        return
    conv = getattr(torch.backends.cudnn, "conv", None)  # since torch 2.9, which wants no mix of this and of allow_tf32
    with _TURN:
        if conv is None:
            with torch.backends.cudnn.flags(enabled=True, benchmark=False, allow_tf32=False):
                yield
            return
        before, conv.fp32_precision = conv.fp32_precision, "ieee"
        try:
            yield
        finally:
            conv.fp32_precision = before


def autocast(device: torch.device) -> torch.autocast:
    """Mixed precision for training where it pays: convolutions in bfloat16, losses and norms in float32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=native_bf16(device))
