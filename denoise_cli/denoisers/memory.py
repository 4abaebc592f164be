"""Freed memory that waits for the next tensor."""

from __future__ import annotations

import ctypes
import sys

from denoise_cli.denoisers.card import Card

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8  # of glibc's malloc.h
LARGEST, KEPT = 256 * 2**20, 512 * 2**20  # bytes: of a block that is kept, and of what lies free at the heap's end


def keep_freed_memory(card: Card) -> None:
    """Lets a network's next tensor have the memory of its last one, in this process from now on.

    By itself, glibc gives blocks of more than 32 MB back to the system as soon as they are freed, and the system fills
    each page of the next one with zeros, which can take a fifth of the processor's time (docs/performance.md). All
    threads share one heap, or each would keep its own. Networks of several scales are left alone: their tensors are of
    many sizes and leave gaps, which costs a fifth more memory for a twentieth of the time.

    It is for programs of this package; a library should not decide it for others. Without glibc nothing changes.
    """
    if card.family != "network" or card.multiple > 1 or sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for what, value in ((ARENA_MAX, 1), (MMAP_THRESHOLD, LARGEST), (TRIM_THRESHOLD, KEPT)):
            mallopt(what, value)
