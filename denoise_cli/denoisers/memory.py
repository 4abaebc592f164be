"""What becomes of the memory of tensors that are freed."""

from __future__ import annotations

import ctypes
import sys

from denoise_cli.denoisers.card import Card

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8  # of glibc's malloc.h
LARGEST, KEPT = 256 * 2**20, 512 * 2**20  # bytes: of a block that is kept, and of what lies free at the heap's end
LEAST_GIVEN_BACK = 4 * 2**20  # bytes, of a block of a network of several scales


def arrange_memory(card: Card) -> None:
    """Lets a network's next tensor have the memory of its last one, or sees that none lies idle; in this process, from
    now on.

    By itself, glibc gives blocks of more than 32 MB back to the system as soon as they are freed, and the system fills
    each page of the next one with zeros, which can take a fifth of the processor's time (docs/performance.md). For
    networks of one scale they are kept. All threads share one heap then, or each would keep its own. Tensors of several
    scales are of many sizes and leave gaps, so that theirs are all given back: an eighth less memory for a twentieth of
    the time. With AMX, where that share would be larger, glibc is left to itself.

    It is for programs of this package; a library should not decide it for others. Without glibc nothing changes.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if card.family != "network" or mallopt is None:
        return
    import torch

    from denoise_cli.runtime.precision import uses_amx

    settings = [(ARENA_MAX, 1), (MMAP_THRESHOLD, LARGEST), (TRIM_THRESHOLD, KEPT)]
    if card.multiple > 1:
        settings = [] if uses_amx(torch.bfloat16) else [(MMAP_THRESHOLD, LEAST_GIVEN_BACK)]
    for what, value in settings:
        mallopt(what, value)
