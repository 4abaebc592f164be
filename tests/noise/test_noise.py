from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from denoise_cli.errors import PictureError
from denoise_cli.images.hidden import filled
from denoise_cli.networks.level import SHUFFLE, LevelEstimator
from denoise_cli.noise.camera import LUMA
from denoise_cli.noise.estimate import cells_that_tell, estimate_sigma, sample_patches
from denoise_cli.noise.spec import KINDS, NoiseRange, parse_mixture
from denoise_cli.noise.synthetic import add_gaussian, add_noise


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


@pytest.mark.parametrize("size", [(1, 1), (5, 300), (128, 128), (1000, 700)])
def test_sample_patches_are_of_the_picture_and_all_over_it(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).random((*size, 3), np.float32)
    patches = sample_patches(pixels, multiple=8)
    assert patches.ndim == 4
    assert patches.shape[1] == 3
    assert patches.shape[2] % 8 == patches.shape[3] % 8 == 0
    assert len(patches) <= 64
    assert np.array_equal(patches[0, :, 0, 0], pixels[0, 0])
    if min(size) >= 128:
        assert np.array_equal(patches[-1, :, -1, -1], pixels[-1, -1])


@pytest.mark.parametrize(("kind", "ratio"), [("gaussian", 1.0), ("poisson", 0.5), ("speckle", 0.25)])
def test_noise_follows_the_light_as_its_kind_says(kind: str, ratio: float) -> None:
    """Deviation at a quarter of white against that at white: the same, its root, in proportion."""
    noise, random = NoiseRange(kind, 20, 20), np.random.default_rng(0)
    deviations = []
    for light in (1.0, 0.25):
        noisy = add_noise(np.full((300, 300, 1), light, np.float32), noise, random)
        assert noisy.mean() == pytest.approx(light, abs=0.002)
        deviations.append(float(noisy.std()) * 255)
    assert deviations[0] == pytest.approx(20, rel=0.02)
    assert deviations[1] / deviations[0] == pytest.approx(ratio, rel=0.03)


def test_salt_and_pepper_are_so_many_per_cent_half_and_half() -> None:
    noise = NoiseRange("salt-pepper", 10, 10)
    noisy = add_noise(np.full((300, 300, 3), 0.5, np.float32), noise, np.random.default_rng(0))
    assert (noisy == noisy[:, :, :1]).all()
    assert np.mean(noisy == 0) == pytest.approx(0.05, rel=0.1)
    assert np.mean(noisy == 1) == pytest.approx(0.05, rel=0.1)


def test_a_level_of_a_range_is_drawn() -> None:
    black = np.zeros((50, 50, 1), np.float32)
    deviations = [
        float(add_noise(black, NoiseRange("gaussian", 10, 50), np.random.default_rng(seed)).std()) * 255
        for seed in range(20)
    ]
    assert min(deviations) < 20
    assert max(deviations) > 40
    assert all(9 < deviation < 52 for deviation in deviations)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 1, 1), (9, 30, 3)])
def test_noise_of_level_zero_is_none_and_tiny_pictures_take_all_kinds(kind: str, shape: tuple[int, int, int]) -> None:
    pixels = np.random.default_rng(1).random(shape, np.float32)
    noisy = add_noise(pixels, NoiseRange(kind), np.random.default_rng(0))
    assert noisy.shape == shape
    assert noisy.dtype == np.float32
    assert kind == "camera" or np.array_equal(noisy, pixels)


def test_camera_noise_is_for_gray_and_colour() -> None:
    with pytest.raises(PictureError, match="4 channels"):
        add_noise(np.zeros((9, 9, 4), np.float32), NoiseRange("camera"), np.random.default_rng(0))


def test_camera_noise_on_gray_is_the_luma_of_that_on_colour() -> None:
    gray = np.random.default_rng(1).random((40, 50, 1), np.float32)
    on_gray = add_noise(gray, NoiseRange("camera"), np.random.default_rng(0))
    on_colour = add_noise(np.repeat(gray, 3, axis=2), NoiseRange("camera"), np.random.default_rng(0))
    assert np.allclose(on_gray, on_colour @ np.array(LUMA, np.float32)[:, None], atol=1e-6)
    assert 0 <= on_gray.min() <= on_gray.max() <= 1


def test_the_cells_that_tell_are_the_places_of_the_networks_estimate() -> None:
    pixels = np.random.default_rng(0).random((2, 3, 64, 128), np.float32)
    places = LevelEstimator().body(F.pixel_unshuffle(torch.from_numpy(pixels), SHUFFLE))
    assert (len(places), *places.shape[2:]) == cells_that_tell(pixels).shape


def test_noise_is_not_judged_where_a_colour_was_put_in_place_of_hidden_pixels() -> None:
    pixels = np.random.default_rng(0).random((160, 24, 3), np.float32)
    for first in range(60, 68):
        mask = np.zeros((160, 24), bool)
        mask[first:120] = True
        telling = cells_that_tell(filled(pixels, mask).transpose(2, 0, 1)[None])[0].all(axis=1)
        assert telling[: first // 8 - 1].all()
        assert not telling[first // 8 : 120 // 8].any()


def test_mixtures() -> None:
    assert parse_mixture("gaussian:0-55+camera") == (NoiseRange("gaussian", 0, 55), NoiseRange("camera"))


def test_specifications() -> None:
    assert NoiseRange.parse("gaussian:25") == NoiseRange("gaussian", 25, 25)
    assert NoiseRange.parse("gaussian:0-55") == NoiseRange("gaussian", 0, 55)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gaussian",
        "gaussian:",
        "gaussian:a-b",
        "gaussian:9-3",
        "gaussian:-3",
        "snow:3",
        "gaussian:0-300",
        "salt-pepper:101",
        "camera:5",
    ],
)
def test_specifications_that_make_no_sense(text: str) -> None:
    with pytest.raises(ValueError, match="noise"):
        NoiseRange.parse(text)


def test_poisson_noise_too_faint_to_count_photons_is_none() -> None:
    pixels = np.linspace(0, 5e4, 100, dtype=np.float32).reshape(10, 10, 1)
    for level in (0.0, 1e-9, 1e-300, 1e-6):
        noisy = add_noise(pixels, NoiseRange("poisson", level, level), np.random.default_rng(0))
        assert np.allclose(noisy, pixels, rtol=1e-6)
