"""Work in a process of its own, so that its peak memory is its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import pickle
import signal
import sys
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

from denoise_cli.errors import DenoiseError

Piece = TypeVar("Piece")


def apart(work: Callable[..., Iterator[Piece]], *arguments: object) -> Iterator[Piece]:
    """What `work(*arguments)` yields, as it comes; function, arguments and pieces travel between processes.

    Raises what the work raises; DenoiseError where its process ends early, as when the system runs out of memory.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(theirs, work, arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        while True:
            kind, value = ours.recv()
            if kind == "piece":
                yield value
            elif kind == "error":
                raise pickle.loads(value)
            else:
                return
    except EOFError:
        raise DenoiseError("a measuring process was ended by the system, probably for want of memory") from None
    finally:
        process.kill()
        process.join()


def _work(pipe: Connection, work: Callable[..., Iterator[Piece]], arguments: tuple[object, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this process is interrupted too, and ends it
    limit_memory()
    try:
        for piece in work(*arguments):
            pipe.send(("piece", piece))
    except Exception as error:
        pipe.send(("error", _packed(error)))
    else:
        pipe.send(("end", None))


def _packed(error: Exception) -> bytes:
    """Pickled, or what it says, where it is of a kind that does not come out of a pickle again."""
    try:
        packed = pickle.dumps(error)
        pickle.loads(packed)
    except Exception:
        return pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))
    return packed


def limit_memory() -> None:
    """Lets this process have the memory that is free now, so that wanting more is an error and not its sudden end.

    Limits that it has already are kept to. Where the system knows none, or does not tell what is free, nothing changes.
    """
    with contextlib.suppress(OSError, ImportError, IndexError):
        import resource

        free = int(Path("/proc/meminfo").read_text().partition("MemAvailable:")[2].split()[0]) * 1024
        limits = resource.getrlimit(resource.RLIMIT_DATA)
        finite = [limit for limit in limits if limit != resource.RLIM_INFINITY]
        resource.setrlimit(resource.RLIMIT_DATA, (min([int(0.9 * free), *finite]), limits[1]))


def forget_peak() -> None:
    """Lets `peak_megabytes` begin anew, where the system can."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_megabytes() -> float | None:
    """The most memory (resident, in 10^6 bytes) that this process has had; None where the system does not tell."""
    # On Linux, where what getrusage tells includes the peak of the parent process.
    with contextlib.suppress(OSError, IndexError):
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6
    if sys.platform == "win32":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
