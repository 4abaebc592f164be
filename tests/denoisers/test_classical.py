from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import median_filter, uniform_filter

from denoise_cli.denoisers import classical
from denoise_cli.errors import UsageError
from denoise_cli.measure.quality import psnr
from denoise_cli.noise.synthetic import add_gaussian


@pytest.fixture
def clean() -> np.ndarray:
    """A smooth colour picture with an edge."""
    y, x = np.mgrid[0:96, 0:80].astype(np.float32) / 96
    color = np.stack([x, y, (x + y) / 2], axis=2)
    color[:, 40:] *= 0.4
    return color


@pytest.mark.parametrize("name", classical.NAMES)
def test_every_filter_takes_noise_out(name: str, clean: np.ndarray) -> None:
    noisy = add_gaussian(clean, 25, seed=0)
    result = classical.build(name)(noisy)
    assert result.dtype == np.float32
    assert psnr(result, clean) > psnr(noisy, clean) + 3


@pytest.mark.parametrize("name", classical.NAMES)
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 3), (7, 3, 1), (2, 30, 2), (30, 17, 5)])
@pytest.mark.filterwarnings("error")
def test_every_size_and_number_of_channels(name: str, shape: tuple[int, int, int]) -> None:
    pixels = np.random.default_rng(0).random(shape, np.float32)
    denoiser = classical.build(name)
    result = denoiser(pixels, sigma=20 if denoiser.card.level == "given" else None)
    assert result.shape == shape
    assert np.isfinite(result).all()


@pytest.mark.parametrize("name", classical.NAMES)
def test_negative_values_and_values_above_white_are_ordinary(name: str) -> None:
    """A filter does not care where zero is: shifting the picture shifts the result."""
    pixels = np.random.default_rng(0).random((40, 40, 3), np.float32)
    denoiser = classical.build(name)
    level = 20 if denoiser.card.level == "given" else None
    assert np.abs(denoiser(pixels - 2, sigma=level) + 2 - denoiser(pixels, sigma=level)).max() < 0.01


@pytest.mark.parametrize("name", ["median", "gaussian", "mean", "nlm"])
@pytest.mark.parametrize("height", [81, 86, 90, 97])
def test_bands_equal_the_whole(name: str, height: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(0).random((height, 41, 3), np.float32)
    denoiser = classical.build(name)
    level = 25 if denoiser.card.level == "given" else None
    whole = denoiser(pixels, sigma=level)
    monkeypatch.setattr(classical, "BAND", 16)
    assert np.abs(denoiser(pixels, sigma=level) - whole).max() < 1e-4


def test_median_and_mean_are_scipys_on_each_channel() -> None:
    pixels = np.random.default_rng(0).random((20, 21, 3), np.float32)
    for channel in range(3):
        plain = pixels[:, :, channel]
        median, mean = classical.build("median", 5), classical.build("mean", 3)
        assert np.array_equal(median(pixels)[:, :, channel], median_filter(plain, 5, mode="nearest"))
        assert np.allclose(mean(pixels)[:, :, channel], uniform_filter(plain, 3, mode="nearest"), atol=1e-6)


def test_larger_sizes_smooth_more() -> None:
    noise = np.random.default_rng(0).standard_normal((64, 64, 1)).astype(np.float32)
    for name, small, large in (("median", 3, 7), ("mean", 3, 7), ("gaussian", 1, 3)):
        assert classical.build(name, large)(noise).std() < classical.build(name, small)(noise).std() / 1.5


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("median", 4),
        ("median", 0),
        ("mean", 2.5),
        ("gaussian", 0),
        ("nlm", 3),
        ("median", float("nan")),
        ("mean", float("inf")),
        ("gaussian", float("nan")),
    ],
)
def test_sizes_that_make_no_sense_are_refused(name: str, size: float) -> None:
    with pytest.raises(UsageError, match=name):
        classical.build(name, size)


def test_sigma_is_refused_where_it_means_nothing(clean: np.ndarray) -> None:
    with pytest.raises(UsageError, match="--size"):
        classical.build("median")(clean, sigma=25)


def test_a_picture_without_noise_is_left_alone(clean: np.ndarray) -> None:
    black = np.zeros_like(clean)
    assert np.array_equal(classical.build("nlm")(black), black)


def test_a_denoiser_takes_floats_of_any_width_with_three_axes(clean: np.ndarray) -> None:
    median = classical.build("median")
    assert np.array_equal(median(clean.astype(np.float64)), median(clean))
    for other in (clean.astype(np.uint8), np.ma.masked_greater(clean, 0.5), clean.tolist()):
        with pytest.raises(TypeError, match=f"not {type(other).__name__}"):
            median(other)
    with pytest.raises(UsageError, match=r"pixels are \[height, width, channels\]"):
        median(clean[:, :, 0])
    with pytest.raises(TypeError, match="strength is a number"):
        median(clean, strength="1")


def test_a_mean_does_not_lose_what_comes_after_a_very_large_sample() -> None:
    pixels = np.full((9, 40, 1), 0.5, np.float32)
    pixels[4, 3] = 1e20
    result = classical.build("mean")(pixels)
    assert np.allclose(result[:, 5:], 0.5)
    assert np.allclose(result[6:], 0.5)
