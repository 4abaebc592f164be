from __future__ import annotations

import numpy as np
import pytest

from denoise_cli.noise.estimate import estimate_sigma
from denoise_cli.noise.spec import NoiseRange
from denoise_cli.noise.synthetic import add_gaussian


def test_noise_is_as_strong_as_asked_and_unclipped() -> None:
    black = np.zeros((400, 400, 3), np.float32)
    noisy = add_gaussian(black, 25, seed=0)
    assert noisy.std() * 255 == pytest.approx(25, rel=0.01)
    assert abs(noisy.mean()) * 255 < 0.2
    assert noisy.min() < 0


def test_the_same_seed_gives_the_same_noise_and_every_picture_another() -> None:
    black = np.zeros((20, 20, 1), np.float32)
    first = add_gaussian(black, 25, seed=1, number=0)
    assert np.array_equal(first, add_gaussian(black, 25, seed=1, number=0))
    for other in (add_gaussian(black, 25, seed=1, number=1), add_gaussian(black, 25, seed=2, number=0)):
        assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 0.2


@pytest.mark.parametrize("sigma", [5, 25, 50])
def test_the_estimate_is_near_the_truth(sigma: float) -> None:
    y, x = np.mgrid[0:256, 0:256].astype(np.float32) / 256
    noisy = add_gaussian(np.stack([x, y, x * y], axis=2), sigma, seed=0)
    assert estimate_sigma(noisy) == pytest.approx(sigma, rel=0.05)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 100, 3), (4, 4, 1)])
def test_tiny_pictures_have_an_estimate(shape: tuple[int, int, int]) -> None:
    assert estimate_sigma(np.ones(shape, np.float32)) == 0


def test_specifications() -> None:
    assert NoiseRange.parse("gaussian:25") == NoiseRange("gaussian", 25, 25)
    assert NoiseRange.parse("gaussian:0-55") == NoiseRange("gaussian", 0, 55)


@pytest.mark.parametrize("text", ["", "gaussian", "gaussian:", "gaussian:a-b", "gaussian:9-3", "gaussian:-3", "snow:3"])
def test_specifications_that_make_no_sense(text: str) -> None:
    with pytest.raises(ValueError, match="noise"):
        NoiseRange.parse(text)
