"""A connection to a Ray cluster, and what of its machines a worker takes."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from denoise_cli.errors import UsageError

ANSWERS = 5.0  # seconds within which a cluster's machine takes a call


def connected(address: str | None) -> Any:
    """The module ray, connected. Raises UsageError where there is no cluster."""
    if address is not None and address.startswith("ray://"):
        raise UsageError("Ray Data cannot be used through ray://; log in to a machine of the cluster and say auto")
    if address not in (None, "auto"):
        _check_answers(address)
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # of the machinery below; what it says is not for users
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise UsageError("--engine ray takes the extra [ray]: pip install 'denoise-img[ray]'") from error
    ends = signal.getsignal(signal.SIGTERM)
    try:
        with _silence():
            ray.init(
                address=address or "local",
                include_dashboard=False if address is None else None,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
    except Exception as error:  # of many kinds, a bare one where a node is too slow to start
        if address is None:
            raise UsageError(f"Ray does not start on this machine ({error})") from error
        raise UsageError(
            f"no Ray cluster answers at {address}, or it refuses this user: does this machine have the cluster's "
            f"~/.ray/auth_token? ({error})"
        ) from error
    if threading.current_thread() is threading.main_thread() and ends is not None:
        signal.signal(signal.SIGTERM, ends)  # Ray's own ends the process at once, and nothing would be told
    return ray


def _check_answers(address: str) -> None:
    """Raises UsageError where nobody does; Ray would try for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise UsageError(f"--address is auto or HOST:PORT, such as head:6379, not {address!r}")
    try:
        socket.create_connection((host.strip("[]"), int(port)), ANSWERS).close()
    except (OSError, OverflowError) as error:
        raise UsageError(f"no Ray cluster answers at {address} ({error})") from error


@contextmanager
def _silence() -> Iterator[None]:
    """Nothing is printed on stderr: Ray's machinery greets there on its way up, past Python and whatever it is told."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def shares(ray: Any, workers: int | None) -> tuple[int, int | None, dict[str, Any]]:
    """How many workers, how many threads each has, and what of a node it takes in Ray's books.

    Without GPUs it takes half of the cores that it uses there, so that when a node is lost its workers find room on
    others. A GPU is not shared.
    """
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    gpus = int(sum(node.get("GPU", 0) for node in nodes))
    if gpus:
        if workers is not None and workers > gpus:
            raise UsageError(f"--workers {workers}: the cluster has {gpus} GPUs, and each worker takes one")
        return workers or gpus, None, {"num_gpus": 1, "num_cpus": 1}
    cores = [int(node["CPU"]) for node in nodes if node.get("CPU", 0) >= 1]
    if sum(cores) < (workers or 1):
        raise UsageError(f"--workers {workers or 1}: the cluster has {sum(cores)} processor cores")
    if workers is None:
        threads = min(cores)
        workers = sum(core // threads for core in cores)
    else:
        threads = next(n for n in range(max(cores), 0, -1) if sum(core // n for core in cores) >= workers)
    return workers, threads, {"num_cpus": threads / 2}
