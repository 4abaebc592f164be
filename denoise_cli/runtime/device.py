"""Where a network computes, and how much of a picture at once."""

from __future__ import annotations

import torch

from denoise_cli.errors import UsageError
from denoise_cli.runtime.precision import uses_amx
from denoise_cli.runtime.words import AUTO, OFF, check_device, check_tile

# Pixels a side, margins included. A CPU with AMX waits for memory; its tiles should stay near the cache and below the
# widths that some of its convolutions are slow at (see tiles.GRAIN); without it, a CPU computes all the time, and what
# counts is that little is computed twice in the margins. A GPU wants much work at once.
AMX_TILE, CPU_TILE, GPU_TILE = 256, 512, 1024
# The least that a tile measures in radii of its network's receptive field, lest it be mostly margin (figures in
# docs/performance.md).
AMX_RADII, CPU_RADII, GPU_RADII = 8, 11, 16
STEP = 64


def choose_device(name: str) -> torch.device:
    """`auto` (a GPU if there is one), `cpu`, `cuda`, `cuda:N` or `mps`.

    Raises UsageError for one that there is not.
    """
    check_device(name)
    if name == AUTO:
        return torch.device(
            "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        )
    device = torch.device(name)
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not there.get(device.type, False):
        raise UsageError(f"this machine, or this build of torch, has no {name}; --device auto takes what there is")
    return device


def tile_size(choice: str | int, device: torch.device, dtype: torch.dtype, radius: int = 0) -> int | None:
    """`auto`, `off` (None: the whole picture at once) or a number of pixels a side.

    `radius` is that of the network's receptive field in pixels. Raises UsageError for anything else.
    """
    check_tile(choice)
    if choice == OFF:
        return None
    if choice == AUTO:
        tile, radii = GPU_TILE, GPU_RADII
        if device.type == "cpu":
            tile, radii = (AMX_TILE, AMX_RADII) if uses_amx(dtype) else (CPU_TILE, CPU_RADII)
        return max(tile, -(-radii * radius // STEP) * STEP)
    return int(choice)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out; torch has no one type for that on a CPU."""
    words = ("can't allocate memory", "out of memory", "not enough memory")  # Linux; GPUs; Windows
    return isinstance(error, MemoryError) or any(some in str(error).lower() for some in words)
