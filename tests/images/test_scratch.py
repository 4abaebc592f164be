"""Samples of large pictures lie in a temporary file: the same results, with less in memory."""

from __future__ import annotations

import errno
import mmap
import os
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import tifffile

from denoise_cli.batch.picture import Settings, denoise_stream
from denoise_cli.denoisers import classical
from denoise_cli.images import scratch

BYTES = np.dtype(np.uint8)
FILES = hasattr(os, "posix_fallocate") and hasattr(mmap, "MADV_DONTNEED")
needs_files = pytest.mark.skipif(not FILES, reason="this system has no room in files")


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE


@needs_files
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="who knows what is in memory")
def test_what_is_let_go_leaves_memory_and_keeps_its_values() -> None:
    shape = (scratch.LARGE // 4096 + 1, 4096)
    samples = scratch.room(shape, BYTES)
    if samples.base is None:
        pytest.skip("there is no room on the disk")
    samples[:] = 7
    before = resident()
    scratch.let_go(samples[3:, ::2])
    assert before - resident() > 0.9 * scratch.LARGE
    assert (samples == 7).all()


def test_small_ones_and_those_without_a_file_are_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    small = scratch.room((4, 5, 3), BYTES)
    assert (small.shape, small.base) == ((4, 5, 3), None)
    scratch.let_go(small)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(scratch, "LARGE", 0)
    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full, raising=False)
        assert scratch.room((4, 5, 3), BYTES).base is None
    with monkeypatch.context() as patch:
        patch.setenv("TMPDIR", "/there/is/no/such/folder")
        assert scratch.room((4, 5, 3), BYTES).base is None
    monkeypatch.setattr(scratch, "SPARE", 1 << 60)
    assert scratch.room((4, 5, 3), BYTES).base is None


@needs_files
@pytest.mark.parametrize("kind", ["u1", "u2", ">u2", "f4"])
@pytest.mark.parametrize("layout", ["contig", "separate"])
def test_a_picture_on_file_has_the_same_result(kind: str, layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = (300, 40, 3) if layout == "contig" else (3, 300, 40)
    pixels = (np.random.default_rng(0).random(shape) * 200).astype(kind)
    source = BytesIO()
    order = ">" if kind.startswith(">") else "<"
    tifffile.imwrite(source, pixels, photometric="rgb", planarconfig=layout, compression="zlib", byteorder=order)
    results = []
    for large in (scratch.LARGE, 0):
        monkeypatch.setattr(scratch, "LARGE", large)
        result = BytesIO()
        source.seek(0)
        denoise_stream(source, result, None, Settings(classical.build("median")))
        results.append(result.getvalue())
    assert results[0] == results[1]
