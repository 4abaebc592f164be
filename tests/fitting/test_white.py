"""Pictures whose white is given, such as 12 bits in 16-bit files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from denoise_cli.errors import UsageError
from denoise_cli.fitting.clean import fit_clean
from denoise_cli.fitting.findings import Wish
from denoise_cli.fitting.job import Job
from denoise_cli.fitting.noisy_only import fit_noisy_only
from denoise_cli.fitting.pairs import fit_pairs
from tests.fitting.shots import SCRATCH, shot

FEW = replace(SCRATCH, steps=2)
TIMES = 16  # 8 bits in the upper eight of twelve


def written(folder: Path, pictures: list[np.ndarray], times: int) -> Path:
    folder.mkdir(parents=True)
    for number, picture in enumerate(pictures):
        samples = picture.astype(np.uint8 if times == 1 else np.uint16) * times
        tifffile.imwrite(folder / f"{number}.tif", samples, photometric="rgb")
    return folder


@pytest.mark.parametrize("way", ["clean", "pairs", "noisy-only"])
def test_what_is_learnt_is_what_the_same_pictures_in_8_bits_teach(way: str, tmp_path: Path) -> None:
    shots, others = ([(shot(scene, frame) * 255).clip(0, 255) for scene in range(5)] for frame in (0, 1))

    def learnt(place: Path, times: int, white: float | None) -> str:
        one, other = written(place / "one", shots, times), written(place / "other", others, times)
        job = Job(place / "mine.safetensors", white=white)
        if way == "clean":
            return fit_clean(one, FEW, job).sha256
        if way == "pairs":
            return fit_pairs(one, other, FEW, job).sha256
        return fit_noisy_only(one, FEW, job, Wish(keep_anyway=True))[0].sha256

    usual = learnt(tmp_path / "usual", 1, None)
    assert learnt(tmp_path / "told", TIMES, 255.0 * TIMES) == usual
    assert learnt(tmp_path / "not-told", TIMES, None) != usual


def test_a_white_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a number above 0"):
        Job(tmp_path / "mine.safetensors", white=-1)
