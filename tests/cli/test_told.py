"""What users are told: of pictures in pipes, of what is not there, and in which order."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from denoise_cli.batch.wanted import Wanted
from denoise_cli.cli.batch import Summary, stopped_hint
from denoise_cli.cli.main import main
from tests.cli.runs import denoise_img


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.new("RGB", (30, 20), (90, 80, 70)).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def ended(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[object, str]:
    """In this process: the exit code, and what was said on stderr."""
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return end.value.code, capsys.readouterr().err


def test_what_is_not_there_is_told_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Wanted, "settings", lambda self: pytest.fail("a network was loaded"))
    for more in ([], ["-o", "-"]):
        code, said = ended(capsys, "gone.png", *more)
        assert code == 1
        assert "gone.png cannot be read (No such file or directory)" in said
    for word, meant in (("modles", "models"), ("help", "--help"), ("scor", "score")):
        code, said = ended(capsys, word, "a.png")
        assert code == 2
        assert f"did you mean denoise-img {meant}?" in said


def test_one_result_that_is_there_is_named(picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = picture.with_name("a.denoised.png")
    result.write_bytes(b"x")
    assert ended(capsys, picture) == (0, f"{result} is there already (--overwrite redoes it)\n")


def test_failures_are_told_in_the_order_of_the_pictures(
    tmp_path: Path, noisy_jpeg: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where the first is found out last."""
    (tmp_path / "a.jpg").write_bytes(noisy_jpeg.read_bytes()[:-9000])
    for name in ("b.png", "c.png", "d.png"):
        (tmp_path / name).write_bytes(b"no picture")
    code, said = ended(capsys, tmp_path, "-o", tmp_path / "out", "-m", "median", "-q")
    assert code == 1
    assert [Path(line.split()[1]).name for line in said.splitlines()] == ["a.jpg", "b.png", "c.png", "d.png"]


def test_small_sizes_have_figures_that_count() -> None:
    assert str(Summary(1, 0.0006, 0.04)) == "1 denoised (0.00060 MP, 0.015 MP/s)"
    assert str(Summary(2, 48.04, 4, others=1)) == "2 denoised (48.0 MP, 12.0 MP/s), 1 other file left alone"


@pytest.mark.parametrize(("model", "level"), [("nlm", r" \(noise level (1\d\.\d)\)"), ("mean", "()")])
def test_the_level_that_was_found_is_told(
    model: str, level: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noisy, result = tmp_path / "a.png", tmp_path / "a.denoised.png"
    Image.fromarray(np.random.default_rng(0).normal(128, 11.5, (120, 120)).astype(np.uint8)).save(noisy)
    with pytest.raises(SystemExit, match=r"^0$"):
        main([str(noisy), "-m", model, "--json", "-v"])
    told = capsys.readouterr()
    line = re.fullmatch(f"{re.escape(f'{noisy} -> {result}')}{level}\n", told.err)
    assert line
    (facts,) = json.loads(told.out)["denoised"]
    size = {"source": str(noisy), "result": str(result), "megapixels": 0.0144}
    assert facts == {**size, "sigma": pytest.approx(float(line[1]), abs=0.051) if line[1] else None}
    assert facts["sigma"] is None or facts["sigma"] == round(facts["sigma"], 2)


def test_noise_from_stdin_to_stdout_or_to_a_file_with_json(picture: Path, tmp_path: Path) -> None:
    data, result = picture.read_bytes(), tmp_path / "noisy.png"
    through = denoise_img("noise", "-", "-o", "-", stdin=data)
    into = denoise_img("noise", "-", "-o", result, "--json", stdin=data)
    assert (through.returncode, into.returncode) == (0, 0)
    assert through.stdout == result.read_bytes()
    assert json.loads(into.stdout)["made_noisy"] == [{"source": "-", "result": str(result), "megapixels": 0.0006}]
    broken = denoise_img("noise", "-", "-o", tmp_path / "x.png", "--json", stdin=b"no picture")
    assert broken.returncode == 1
    assert json.loads(broken.stdout)["failed"][0]["source"] == "-"
    assert not (tmp_path / "x.png").exists()


def test_what_the_cluster_cannot_do_is_said_as_it_is(picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ray, out = ("--engine", "ray"), ("-o", picture.parent / "out")
    for words, why in (
        ((picture, *out, *ray, "--in-place"), "replaces no pictures; leave out --in-place"),
        (("-", *out, *ray), "reads no picture from stdin"),
        ((picture, *ray), "name it with -o"),
    ):
        code, said = ended(capsys, *words)
        assert code == 2
        assert why in said


def test_a_page_is_not_served_for_a_device_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    code, said = ended(capsys, "demo", "--device", "cdua", "--port", 0)
    assert code == 2
    assert "unknown device 'cdua'" in said


def test_a_stopped_run_says_what_goes_on() -> None:
    assert stopped_hint(overwrite=False) == "stopped; the same command goes on where it ended"
    assert stopped_hint(overwrite=True) == "stopped; without --overwrite, the same command goes on where it ended"
