"""Room for the samples of large pictures: in a temporary file, of which memory only holds what is being looked at."""

from __future__ import annotations

import math
import mmap
import os
import tempfile
from typing import Any

import numpy as np

from denoise_cli.images.image import Samples

LARGE = 128 << 20  # bytes; 24 megapixels of 8 bits in colour are 72 millions


def room(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Samples:
    """An array to be filled. Small ones are in memory, and all are where a file of that size cannot be had."""
    size = math.prod(shape) * dtype.itemsize
    if size < LARGE or not hasattr(os, "posix_fallocate") or not hasattr(mmap, "MADV_DONTNEED"):
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile() as file:  # the mapping keeps it
        try:
            os.posix_fallocate(file.fileno(), 0, size)  # or a disk that is full would end the program
        except OSError:
            return np.empty(shape, dtype)
        return np.frombuffer(mmap.mmap(file.fileno(), size), dtype).reshape(shape)


def let_go(samples: Samples) -> None:
    """Nothing of it needs to be in memory until it is looked at again; its values stay."""
    base: Any = samples
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, memoryview):
        base = base.obj
    if isinstance(base, mmap.mmap):
        base.madvise(mmap.MADV_DONTNEED)
