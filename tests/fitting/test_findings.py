from __future__ import annotations

from pathlib import Path

import pytest

from denoise_cli.fitting.findings import Findings, Wish
from denoise_cli.fitting.survey import Frame, Survey
from denoise_cli.noise.measure import NoiseFacts


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
