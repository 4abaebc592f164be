"""The page, served until Ctrl-C."""

from __future__ import annotations

import errno
import logging
import socket
import tempfile
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

from waitress.server import create_server

from denoise_cli.demo.app import Limits, create_app
from denoise_cli.demo.jobs import Jobs
from denoise_cli.demo.shelf import Shelf
from denoise_cli.errors import UsageError

THREADS = 32  # that answer, of which many may wait for a picture; those have a worker of their own
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def serve(host: str, port: int, limits: Limits, device: str, ready: Callable[[str], None]) -> None:
    """Answers until it is interrupted; `ready` hears the address. Port 0 is any that is free.

    All that is written is in a temporary folder, which is gone in the end.
    Raises UsageError where it cannot listen.
    """
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # that requests wait a moment is nothing to tell
    hosts = LOOPBACK | {host} if _is_loopback(host) else frozenset()
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while ")[0]  # what follows says the address once more
        option = "--port" if error.errno in (errno.EADDRINUSE, errno.EACCES) else "--host"
        raise UsageError(f"cannot listen on {host}, port {port} ({reason}); {option} takes another") from None
    with listening, tempfile.TemporaryDirectory(prefix="denoise-img-") as folder:
        jobs = Jobs(Path(folder))
        try:
            server = create_server(
                create_app(jobs, Shelf(device), limits, hosts),
                sockets=[listening],
                threads=THREADS,
                # A little more than the page takes: what is too large by less is refused by the page, in a sentence.
                max_request_body_size=round(1.1 * limits.megabytes * 1e6),
                ident=None,
            )
            name = f"[{host}]" if ":" in host else host
            ready(f"http://{name}:{listening.getsockname()[1]}")
            server.run()
        finally:
            jobs.close()


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
