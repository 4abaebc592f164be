"""Room for the samples of large pictures: in a temporary file, of which memory only holds what is being looked at."""

from __future__ import annotations

import math
import mmap
import os
import shutil
import tempfile
from typing import Any

import numpy as np

from denoise_cli.images.image import Samples

LARGE = 128 << 20  # bytes; 24 megapixels of 8 bits in colour are 72 millions
PLACE = "/var/tmp"  # unless TMPDIR names another; /tmp is often in memory itself
SPARE = 3  # times the file's size that must be free, since results need room as well


def room(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Samples:
    """An array to be filled. Small ones are in memory, and all are where a file of that size cannot be had."""
    size = math.prod(shape) * dtype.itemsize
    mapped = _mapped(size) if size >= LARGE else None
    return np.empty(shape, dtype) if mapped is None else np.frombuffer(mapped, dtype).reshape(shape)


def let_go(samples: Samples) -> None:
    """Nothing of it needs to be in memory until it is looked at again; its values stay."""
    base: Any = samples
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, memoryview):
        base = base.obj
    if isinstance(base, mmap.mmap):
        base.madvise(mmap.MADV_DONTNEED)


def _mapped(size: int) -> mmap.mmap | None:
    """A file of that size without a name, which is gone when nobody has the mapping any more."""
    if not hasattr(os, "posix_fallocate") or not hasattr(mmap, "MADV_DONTNEED"):
        return None
    folder = os.environ.get("TMPDIR", PLACE)
    try:
        if shutil.disk_usage(folder).free < SPARE * size:
            return None
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, size)  # or a disk that is full later would end the program
            return mmap.mmap(file.fileno(), size)
    except OSError:
        return None
