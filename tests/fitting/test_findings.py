from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from denoise_cli.fitting.findings import Findings, Wish, look
from denoise_cli.fitting.survey import Frame, Survey
from denoise_cli.noise.camera import LUMA
from denoise_cli.noise.measure import NoiseFacts
from tests.fitting.shots import shot, singles


def findings(*scenes: int, singles: int, method: str = "auto") -> Findings:
    frames = iter([Frame(Path(f"{number}.png")) for number in range(99)])
    found = [tuple(next(frames) for _ in range(count)) for count in (*scenes, singles)]
    return Findings(Survey(tuple(found[:-1]), found[-1]), NoiseFacts((), (0.0, 0.0, 0.0)), Wish(method))


@pytest.mark.parametrize(
    ("scenes", "singles", "method", "so"),
    [
        ((3,), 0, "auto", True),
        ((4, 4), 6, "auto", True),
        ((2,), 6, "auto", False),  # by chance alike
        ((2,), 6, "n2n", True),
        ((9,), 0, "neighbors", False),
        ((), 5, "auto", False),
    ],
)
def test_scenes_teach_where_they_are_not_the_least_of_a_folder(
    scenes: tuple[int, ...], singles: int, method: str, so: bool
) -> None:
    assert findings(*scenes, singles=singles, method=method).from_scenes is so


def test_a_profile_is_not_said_to_be_learning_from_frames() -> None:
    lines = findings(3, singles=0, method="profile").account()
    assert any("learning nothing but" in line for line in lines)
    assert not any("Noise2Noise" in line for line in lines)


def test_missing_pixels_are_neither_clipped_nor_noise(tmp_path: Path) -> None:
    for scene in range(2):
        pixels = shot(scene, 0)
        pixels[100:137] = np.nan
        pixels[::20, ::20] = np.nan  # in every block, with something to see beside each
        tifffile.imwrite(tmp_path / f"{scene}.tif", pixels, photometric="rgb")
    found = look(tmp_path, Wish())
    assert found.facts.clipped == 0
    assert not found.facts.struck
    assert found.squared
    assert found.facts.sigma == pytest.approx(25.5, rel=0.1)


def test_learning_in_gray_looks_at_gray_noise(folder: Path) -> None:
    """Which is weaker, as the mean of three channels' is."""
    in_colour, in_gray = (look(singles(folder), Wish(), channels=channels).facts for channels in (3, 1))
    assert in_gray.sigma == pytest.approx(in_colour.sigma * np.linalg.norm(LUMA), rel=0.1)
    assert (in_gray.clipped, in_gray.impulses) == (in_colour.clipped, in_colour.impulses)
