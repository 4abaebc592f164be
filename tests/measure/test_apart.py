"""Work in a process of its own: memory, errors, ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from denoise_cli.errors import DenoiseError, PictureError
from denoise_cli.measure.apart import apart, forget_peak, limit_memory, peak_megabytes


def test_memory_is_limited_to_what_is_free() -> None:
    if not Path("/proc/meminfo").is_file():
        pytest.skip("the system does not tell")
    assert list(apart(wanting_too_much)) == ["refused"]


def wanting_too_much() -> Iterator[str]:
    try:
        all_there_is = int(Path("/proc/meminfo").read_text().split()[1]) * 1024
        np.empty(all_there_is, np.uint8)
    except MemoryError:
        yield "refused"


def test_limits_that_are_there_are_kept_to() -> None:
    assert list(apart(limited_before)) == [(1 << 29, 1 << 30)]


def limited_before() -> Iterator[tuple[int, int]]:
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (1 << 29, 1 << 30))
    limit_memory()
    yield resource.getrlimit(resource.RLIMIT_DATA)


def test_a_peak_that_the_status_does_not_tell_comes_from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda path: "Name: python")
    assert sys.platform == "win32" or peak_megabytes() > 1


def test_the_peak_can_be_forgotten() -> None:
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("the system cannot")
    before, after = apart(forgetting)
    assert before - after == pytest.approx(300, abs=30)


def forgetting() -> Iterator[float | None]:
    held = np.ones(300 * 10**6, np.uint8)
    del held
    yield peak_megabytes()
    forget_peak()
    yield peak_megabytes()


def test_peak_memory_is_that_of_the_work(tmp_path: Path) -> None:
    if peak_megabytes() is None:
        pytest.skip("the system does not tell")
    small, large = (next(apart(holding, size)) for size in (0, 300))
    assert small is not None
    assert large is not None
    assert large - small == pytest.approx(300, abs=30)


def holding(megabytes: int) -> Iterator[float | None]:
    held = np.ones(megabytes * 10**6, np.uint8)
    yield peak_megabytes()
    del held


def failing() -> Iterator[int]:
    yield 1
    raise PictureError("x.png is broken")


class OddError(Exception):
    """Of a kind that does not come out of a pickle again."""

    def __init__(self, name: str, number: int) -> None:
        super().__init__(f"{name} {number}")


def failing_oddly() -> Iterator[int]:
    yield 1
    raise OddError("x", 2)


def vanishing() -> Iterator[int]:
    import os

    yield 1
    os._exit(9)


def test_errors_come_back_from_another_process() -> None:
    pieces = apart(failing)
    assert next(pieces) == 1
    with pytest.raises(PictureError, match=r"x\.png is broken"):
        next(pieces)
    with pytest.raises(RuntimeError, match="OddError: x 2"):
        list(apart(failing_oddly))


def test_a_process_that_vanishes_is_told() -> None:
    with pytest.raises(DenoiseError, match="ended by the system"):
        list(apart(vanishing))
