"""`denoise-img noise` and `denoise-img score`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from denoise_cli.cli.main import main
from denoise_cli.denoisers.denoiser import Request
from denoise_cli.denoisers.noiser import Noiser
from denoise_cli.noise.spec import NoiseRange
from denoise_cli.places.place import place
from tests.cli.runs import denoise_img


def test_noise_takes_urls(photos: Path) -> None:
    pytest.importorskip("upath")
    at = place("memory://noise-command")
    at.fs.put(str(photos / "sub"), "noise-command/in", recursive=True)
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["noise", f"{at}/in", "-o", f"{at}/out", "--quiet"])
    assert at.fs.ls("noise-command/out", detail=False) == ["/noise-command/out/a.jpg"]
    assert at.fs.cat("noise-command/out/a.jpg") != at.fs.cat("noise-command/in/a.jpg")


def test_noise_and_score(photos: Path, tmp_path: Path) -> None:
    """Noise of a seed is the same in every run and another for every picture; score says how much it is."""
    flat = tmp_path / "flat"
    flat.mkdir()
    for number in range(2):
        Image.new("RGB", (90, 60), (100 + number, 120, 140)).save(flat / f"{number}.png")
    for out in ("once", "again"):
        outcome = denoise_img("noise", flat, "-o", tmp_path / out, "--kind", "gaussian:10", "--seed", 3)
        assert (outcome.returncode, outcome.stdout) == (0, b"")
        assert "2 made noisy" in outcome.stderr.decode()
    first, second = (np.asarray(Image.open(tmp_path / "once" / f"{n}.png")).astype(int) for n in range(2))
    assert np.array_equal(first, np.asarray(Image.open(tmp_path / "again" / "0.png")))
    assert np.abs((first - first.mean()) - (second - second.mean())).mean() > 5
    facts = json.loads(denoise_img("score", tmp_path / "once", flat, "--json").stdout)
    assert facts["psnr"] == pytest.approx(28.1, abs=0.3)
    assert len(facts["pictures"]) == 2
    text = denoise_img("score", tmp_path / "once", flat).stdout.decode()
    assert "the mean of 2" in text
    same = denoise_img("score", flat / "0.png", flat / "0.png", "--json")
    assert json.loads(same.stdout)["psnr"] is None


def test_noise_is_as_strong_as_it_should_be_beside_a_white_that_is_given(tmp_path: Path) -> None:
    """12 bits in a 16-bit file."""
    Image.fromarray(np.full((64, 64), 2000, np.uint16)).save(tmp_path / "dim.tif")
    command = ("noise", tmp_path / "dim.tif", "-o", tmp_path / "noisy.tif", "--kind", "gaussian:25", "--white", 4095)
    assert denoise_img(*command).returncode == 0
    noise = np.asarray(Image.open(tmp_path / "noisy.tif")).astype(float) - 2000
    assert noise.std() == pytest.approx(25 / 255 * 4095, rel=0.05)
    scored = denoise_img("score", tmp_path / "noisy.tif", tmp_path / "dim.tif", "--white", 4095, "--json")
    assert json.loads(scored.stdout)["psnr"] == pytest.approx(20.17, abs=0.4)
    refused = denoise_img(*command[:-1], -1, "--overwrite")
    assert refused.returncode == 2
    assert b"a number above 0" in refused.stderr


def test_noise_needs_a_place_for_its_results(photos: Path) -> None:
    outcome = denoise_img("noise", photos / "a.png", "--kind", "gaussian:10")
    assert outcome.returncode == 2
    assert b"output" in outcome.stderr


def test_noise_can_be_stopped_before_it_is_made() -> None:
    """As by Ctrl-C, of which a denoiser hears through its progress."""
    noiser, seen = Noiser(NoiseRange.parse("gaussian:10"), 0), list[tuple[int, int]]()
    noiser(np.zeros((9, 8, 3), np.float32), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 72), (72, 72)]

    def stopped(done: int, total: int) -> None:
        raise KeyboardInterrupt

    result = np.zeros((9, 8, 3), np.float32)
    with pytest.raises(KeyboardInterrupt):
        noiser.into(result, result, Request(progress=stopped))
    assert not result.any()
