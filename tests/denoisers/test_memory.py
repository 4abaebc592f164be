"""Freed memory is kept for a network's next tensor, in a process that asks for it."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

BLOCK = 64 * 2**20
NO_HUGE_PAGES = 41  # PR_SET_THP_DISABLE of Linux' prctl: some systems fill memory in pages of 2 MB by themselves
# Page faults of the second of two blocks of the same size, the first of which is freed.
FAULTS = f"""
import ctypes, resource
from denoise_cli.denoisers.catalogue import card
from denoise_cli.denoisers.memory import keep_freed_memory

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.restype, libc.free.argtypes = None, [ctypes.c_void_p]
libc.prctl({NO_HUGE_PAGES}, 1, 0, 0, 0)

def block():
    pointer = libc.malloc({BLOCK})
    ctypes.memset(pointer, 1, {BLOCK})
    libc.free(pointer)

keep_freed_memory(card(MODEL))
block()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
block()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to keep freed memory")
@pytest.mark.parametrize(("model", "kept"), [("dncnn", True), ("photo", False), ("median", False)])
def test_only_networks_of_one_scale_have_freed_memory_kept(model: str, kept: bool) -> None:
    code = FAULTS.replace("MODEL", repr(model))
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    pages = BLOCK // 4096
    assert int(told) < pages // 100 if kept else int(told) > pages // 100
