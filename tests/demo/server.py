"""The page's server, as its users start it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

START = [sys.executable, "-m", "denoise_cli", "demo"]


@contextmanager
def served(**options: Any) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Its address and process, at a port that is free, until the block ends; `options` are those of the process."""
    with subprocess.Popen([*START, "--port", "0"], stderr=subprocess.PIPE, text=True, **options) as server:
        assert server.stderr is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", server.stderr.readline())
        assert found
        yield found[0], server
        server.terminate()
