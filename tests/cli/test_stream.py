"""One picture through a pipe."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from pathlib import Path

from PIL import Image

from tests.cli.runs import COMMAND, ENVIRONMENT, denoise_img, process


def test_a_named_pipe_to_stdout(photos: Path, tmp_path: Path) -> None:
    """As shells make one for `<(command)`: it cannot be read back and forth."""
    pipe, data = tmp_path / "pipe", (photos / "a.png").read_bytes()
    os.mkfifo(pipe)
    threading.Thread(target=pipe.write_bytes, args=(data,), daemon=True).start()
    outcome = denoise_img(pipe, "-o", "-", "-m", "median")
    assert outcome.stdout == denoise_img("-", "-m", "median", stdin=data).stdout
    assert outcome.stdout


def test_closed_standard_streams_are_told() -> None:
    closed = subprocess.run(
        [*COMMAND, "-", "-m", "median"],
        capture_output=True,
        env=ENVIRONMENT,
        check=False,
        preexec_fn=lambda: os.close(0),
    )
    assert closed.returncode == 2
    assert b"that is closed" in closed.stderr


def test_stdin_to_stdout(photos: Path) -> None:
    data = (photos / "a.png").read_bytes()
    outcome = process("-", "-m", "median", stdin=data)
    assert outcome.returncode == 0
    assert outcome.stdout.startswith(b"\x89PNG")
    broken = process("-", "-m", "median", stdin=data[:100])
    assert broken.returncode == 1
    assert broken.stderr.startswith(b"denoise-img: standard input is damaged")


def test_the_level_is_told_of_pictures_in_pipes(photos: Path, tmp_path: Path) -> None:
    data = (photos / "a.png").read_bytes()
    outcome = denoise_img("-", "-m", "nlm", "--sigma", "11", "-v", stdin=data)
    assert outcome.stderr == b"- -> - (noise level 11.0)\n"
    assert outcome.stdout.startswith(b"\x89PNG")
    result = tmp_path / "out.png"
    told = json.loads(denoise_img("-", "-o", result, "-m", "nlm", "--sigma", "11", "--json", stdin=data).stdout)
    assert told["denoised"][0]["sigma"] == 11


def test_a_pattern_may_stand_for_the_one_picture(tmp_path: Path) -> None:
    Image.new("RGB", (9, 8)).save(tmp_path / "scan1.png")
    done = denoise_img(f"{tmp_path}/scan?.png", "-o", "-", "-m", "mean")
    assert done.returncode == 0
    assert done.stdout.startswith(b"\x89PNG")
