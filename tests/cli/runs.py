"""The program as its users run it: words and stdin in; an exit code, stdout and stderr out."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock

import pytest

from denoise_cli.cli.main import main

COMMAND = [sys.executable, "-m", "denoise_cli"]
OFFLINE = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "COLUMNS": "100"}
ENVIRONMENT = os.environ | OFFLINE


def process(*words: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """In a process of its own."""
    return subprocess.run(
        [*COMMAND, *map(str, words)], input=stdin, capture_output=True, timeout=120, env=ENVIRONMENT, check=False
    )


def denoise_img(*words: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """In this process, which has loaded all that a new one takes seconds for."""
    typed = [str(word) for word in words]
    given, out, err = (io.TextIOWrapper(io.BytesIO(data), write_through=True) for data in (stdin, b"", b""))
    with (
        mock.patch.dict(os.environ, OFFLINE),
        mock.patch.object(sys, "stdin", given),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as end,
    ):
        main(typed)
    code = end.value.code or 0
    assert isinstance(code, int)
    told, said = (stream.detach().getvalue() for stream in (out, err))  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(typed, code, told, said)
