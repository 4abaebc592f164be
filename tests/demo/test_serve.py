"""`denoise-img demo` from start to end."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.demo.server import START, served


def test_it_answers_until_it_is_stopped_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with served(env={**os.environ, "TMPDIR": str(tmp_path)}) as (address, server):
        assert server.stderr is not None
        with urllib.request.urlopen(f"{address}/api/denoisers") as answer:
            assert json.load(answer)["megabytes"] == 200
        assert len(list(tmp_path.iterdir())) == 1
        server.send_signal(signal.SIGINT)
        assert server.stderr.read() == ""
    assert server.returncode == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("host", "option"), [("127.0.0.1", "--port"), ("no.such.name.invalid", "--host")])
def test_a_place_where_it_cannot_listen_is_named(host: str, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run([*START, "--host", host, "--port", str(port)], capture_output=True, text=True)
    assert ended.returncode == 2
    found = re.fullmatch(
        r"denoise-img: cannot listen on (\S+), port (\d+) \([^()]+\); (\S+) takes another\n", ended.stderr
    )
    assert found
    assert found.groups() == (host, str(port), option)


def test_what_must_be_installed_is_named() -> None:
    code = "import sys; sys.modules['flask'] = None; from denoise_cli.cli.main import main; main(['demo'])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 2
    assert "pip install 'denoise-img[demo]'" in ended.stderr
