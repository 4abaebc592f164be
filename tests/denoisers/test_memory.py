"""Freed memory is kept for a network's next tensor or given back, in a process that asks for it."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest
import torch

from denoise_cli.runtime.precision import uses_amx

NO_HUGE_PAGES = 41  # PR_SET_THP_DISABLE of Linux' prctl: some systems fill memory in pages of 2 MB by themselves
# Page faults of the third of three blocks of the same size, which are freed one after the other; as glibc has it by
# itself, blocks of up to 32 MB are kept from the second on.
FAULTS = f"""
import ctypes, resource
from denoise_cli.denoisers.catalogue import card
from denoise_cli.denoisers.memory import arrange_memory

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.restype, libc.free.argtypes = None, [ctypes.c_void_p]
libc.prctl({NO_HUGE_PAGES}, 1, 0, 0, 0)

def block():
    pointer = libc.malloc(BLOCK)
    ctypes.memset(pointer, 1, BLOCK)
    libc.free(pointer)

arrange_memory(card(MODEL))
block()
block()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
block()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to keep freed memory")
@pytest.mark.parametrize(
    ("model", "megabytes", "kept"),
    [
        ("dncnn", 64, True),
        ("photo", 64, False),
        ("photo", 8, uses_amx(torch.bfloat16)),
        ("median", 64, False),
        ("median", 8, True),
    ],
)
def test_freed_memory_is_kept_for_networks_of_one_scale_only(model: str, megabytes: int, kept: bool) -> None:
    code = FAULTS.replace("MODEL", repr(model)).replace("BLOCK", str(megabytes * 2**20))
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    pages = megabytes * 2**20 // 4096
    assert int(told) < pages // 100 if kept else int(told) > pages // 100
