"""The main job: pictures and folders in, results out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.runs import COMMAND, ENVIRONMENT, denoise_img, process


def test_a_network_denoises_a_picture(tmp_path: Path, noisy_jpeg: Path, toy_weights: Path) -> None:
    result = tmp_path / "out.jpg"
    outcome = process(noisy_jpeg, "-o", result, "--model", toy_weights, "--device", "cpu")
    assert (outcome.returncode, outcome.stderr) == (0, b"")
    assert outcome.stdout.decode().strip() == str(result)
    before, after = Image.open(noisy_jpeg), Image.open(result)
    assert after.size == before.size
    assert after.getexif() == before.getexif()
    for kept in ("icc_profile", "xmp", "photoshop", "dpi"):
        assert after.info[kept] == before.info[kept], kept
    assert np.abs(np.asarray(after).astype(int) - np.asarray(before)).max() > 0


def test_without_output_the_result_lies_beside(photos: Path) -> None:
    before = (photos / "a.png").read_bytes()
    assert denoise_img(photos / "a.png", "-m", "median").returncode == 0
    assert (photos / "a.denoised.png").exists()
    assert (photos / "a.png").read_bytes() == before


def test_a_tree_with_all_that_can_be_wrong(photos: Path, tmp_path: Path) -> None:
    (photos / "notes.txt").write_text("no picture")
    (photos / "broken.png").write_text("no picture either")
    (photos / "short.jpg").write_bytes((photos / "a.jpg").read_bytes()[:300])
    out = tmp_path / "clean"
    outcome = denoise_img(photos, "-o", out, "-m", "median")
    words = outcome.stderr.decode()
    assert outcome.returncode == 1
    assert outcome.stdout == b""
    assert "broken.png is not a picture" in words
    assert "short.jpg is damaged or cut short" in words
    assert "3 denoised" in words
    assert "2 failed" in words
    assert "1 other file left alone" in words
    assert "Traceback" not in words
    assert sorted(str(p.relative_to(out)) for p in out.rglob("*.*")) == ["a.jpg", "a.png", "sub/a.jpg"]

    again = denoise_img(photos, "-o", out, "-m", "median", "--json")
    facts = json.loads(again.stdout)
    assert facts["there_already"] == 3
    assert facts["denoised"] == []
    assert [Path(failure["source"]).name for failure in facts["failed"]] == ["broken.png", "short.jpg"]


def test_in_place(photos: Path) -> None:
    before = (photos / "a.png").read_bytes()
    assert denoise_img(photos / "a.png", "--in-place", "-m", "median").returncode == 0
    assert (photos / "a.png").read_bytes() != before
    assert sorted(path.name for path in photos.iterdir()) == ["a.jpg", "a.png", "sub"]


def test_a_missing_file_fails_and_the_others_are_done(photos: Path, tmp_path: Path) -> None:
    outcome = denoise_img(photos / "gone.png", photos / "a.png", "-o", tmp_path / "out", "-m", "median")
    assert outcome.returncode == 1
    assert b"gone.png cannot be read (No such file or directory)" in outcome.stderr
    assert (tmp_path / "out" / "a.png").exists()


def test_the_same_pattern_can_be_given_again(photos: Path) -> None:
    """`denoise-img *.png` finds its own results the second time; they are no inputs."""
    (photos / "b.png").write_bytes((photos / "a.png").read_bytes())
    first = denoise_img(*sorted(photos.glob("*.png")), "-m", "median")
    again = denoise_img(*sorted(photos.glob("*.png")), "-m", "median", "--json")
    assert (first.returncode, again.returncode) == (0, 0)
    assert json.loads(again.stdout)["there_already"] == 2
    assert sorted(p.name for p in photos.glob("*.png")) == ["a.denoised.png", "a.png", "b.denoised.png", "b.png"]


def test_names_that_are_no_text_are_ordinary(photos: Path, tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/in\xff\n.png"
    Path(os.fsdecode(odd)).write_bytes((photos / "a.png").read_bytes())
    for more in ([], ["--json"]):
        outcome = subprocess.run(
            [*COMMAND, odd, "-m", "median", "--overwrite", *more],
            capture_output=True,
            env=ENVIRONMENT,
            check=False,
        )
        assert (outcome.returncode, outcome.stderr) == (0, b"")
    assert Path(os.fsdecode(odd.replace(b".png", b".denoised.png"))).exists()


def test_a_path_that_is_too_long_fails_alone(photos: Path, tmp_path: Path) -> None:
    outcome = denoise_img(photos / ("x" * 300 + ".png"), photos / "a.png", "-o", tmp_path / "out", "-m", "median")
    assert outcome.returncode == 1
    assert b"cannot be read (File name too long)" in outcome.stderr
    assert b"bug" not in outcome.stderr
    assert (tmp_path / "out" / "a.png").exists()


def test_an_unwritable_place_is_named(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    outcome = denoise_img(photos / "a.png", "-o", tmp_path / "file" / "b.png", "-m", "median")
    assert outcome.returncode == 1
    assert b"no place for its result" in outcome.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_does_not_wait_for_what_is_being_loaded(how: signal.Signals, photos: Path) -> None:
    slow = """
import sys, time
from denoise_cli.batch.wanted import Wanted
from denoise_cli.cli.main import main

def settings(self):
    print("loading", flush=True)
    time.sleep(60)

Wanted.settings = settings
main(sys.argv[1:])
"""
    command = [sys.executable, "-c", slow, photos / "a.png", "-o", photos / "b.png"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT)
    assert process.stdout is not None
    assert process.stdout.readline() == b"loading\n"
    started = time.monotonic()
    while process.poll() is None and time.monotonic() < started + 60:
        process.send_signal(how)
        time.sleep(0.5)
    _, words = process.communicate()
    assert time.monotonic() < started + 30
    assert process.returncode == -how
    assert words == b""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_being_stopped_leaves_no_half_file_and_says_how_to_go_on(how: signal.Signals, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (600, 600, 3)).astype(np.uint8))
    for number in range(40):
        picture.save(source / f"{number:02}.png")
    process = subprocess.Popen([*COMMAND, source, "-o", out, "-m", "median"], stderr=subprocess.PIPE, env=ENVIRONMENT)
    deadline = time.monotonic() + 60
    while not list(out.glob("*.png")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(how)
    _, words = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"the same command goes on" in words
    assert b"Traceback" not in words
    results = sorted(path.name for path in out.iterdir())
    assert 0 < len(results) < 40
    for name in results:
        assert not name.startswith(".")
        Image.open(out / name).load()
