"""The level that `photo` is told for pictures that are not noisy photographs all over."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from denoise_cli.denoisers.catalogue import load
from denoise_cli.denoisers.denoiser import Denoiser
from denoise_cli.errors import PictureError
from denoise_cli.images.hidden import filled
from denoise_cli.images.image import Pixels
from denoise_cli.measure.quality import psnr
from denoise_cli.noise.estimate import estimate_sigma
from denoise_cli.noise.synthetic import add_gaussian


@pytest.fixture(scope="module")
def photo() -> Denoiser:
    return load("photo", device="cpu")


@pytest.fixture(scope="module")
def clean() -> Pixels:
    return data.astronaut()[100:292, 60:252].astype(np.float32) / 255


@pytest.fixture(scope="module")
def noisy(clean: Pixels) -> Pixels:
    return as_saved(add_gaussian(clean, 25, seed=0))


def as_saved(pixels: Pixels) -> Pixels:
    return (np.rint(pixels.clip(0, 1) * 255) / 255).astype(np.float32)


@pytest.mark.parametrize("sigma", [10, 40, 75, 100, 150])
def test_gaussian_noise_is_judged_right_also_beyond_what_was_trained_on(
    photo: Denoiser, clean: Pixels, sigma: float
) -> None:
    assert photo.estimate(add_gaussian(clean, sigma, seed=0)) == pytest.approx(sigma, rel=0.1)


@pytest.mark.parametrize("white", [0, 1])
@pytest.mark.parametrize("sides", [((32, 0), (0, 0)), ((96, 96), (96, 96))])
def test_bars_and_margins_say_nothing_about_the_rest(
    photo: Denoiser, noisy: Pixels, white: float, sides: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    around = np.pad(noisy, (*sides, (0, 0)), constant_values=white)
    assert photo.estimate(around) == pytest.approx(photo.estimate(noisy), rel=0.2)
    assert estimate_sigma(around) == pytest.approx(estimate_sigma(noisy), rel=0.2)


def test_a_blown_out_sky_says_nothing_about_the_rest(photo: Denoiser, clean: Pixels, noisy: Pixels) -> None:
    sky = clean.copy()
    sky[:64] = 1.5
    assert photo.estimate(as_saved(add_gaussian(sky, 25, seed=0))) == pytest.approx(photo.estimate(noisy), rel=0.2)


def test_what_is_invisible_says_nothing_about_the_rest(photo: Denoiser, noisy: Pixels) -> None:
    rows, columns = np.ogrid[:192, :192]
    around = np.pad(filled(noisy, (rows - 96) ** 2 + (columns - 96) ** 2 > 60**2), ((0, 64), (64, 0), (0, 0)))
    assert photo.estimate(around) == pytest.approx(photo.estimate(noisy), rel=0.2)
    assert estimate_sigma(around) == pytest.approx(estimate_sigma(noisy), rel=0.2)


@pytest.mark.parametrize("size", [9, 12, 24])
@pytest.mark.parametrize("ink", [(0, 0, 0), (150, 20, 40)])
def test_clean_text_stays_as_it_is(photo: Denoiser, size: int, ink: tuple[int, int, int]) -> None:
    page = Image.new("RGB", (256, 256), "white")
    for top in range(4, 256, round(1.4 * size)):
        text = "the quick brown fox jumps over the lazy dog"
        ImageDraw.Draw(page).text((4, top), text, font=ImageFont.load_default(size), fill=ink)
    pixels = np.asarray(page, np.float32) / 255
    assert photo.estimate(pixels) == estimate_sigma(pixels) == 0
    assert np.array_equal(photo(pixels), pixels)


def test_flat_graphics_have_no_noise() -> None:
    page = np.full((128, 128, 3), 0.8, np.float32)
    page[20:40, 10:90], page[60:61] = 0.3, 0.1
    assert estimate_sigma(page) < 1e-6


@pytest.mark.parametrize("light", [20.0, 1e4, 1e20])
def test_a_firefly_does_not_decide_the_level(photo: Denoiser, noisy: Pixels, light: float) -> None:
    struck = noisy.copy()
    struck[5, 5] = light
    assert photo.estimate(struck) == pytest.approx(photo.estimate(noisy), rel=0.3)
    assert np.isfinite(photo(struck)).all()


@pytest.mark.parametrize("model", ["photo", "unet"])
def test_few_counts_of_many_are_judged_as_if_they_were_all(model: str) -> None:
    """A camera of 9 bits in a file of 16: what comes out is what would if white were told."""
    denoiser, random = load(model, device="cpu"), np.random.default_rng(0)
    truth = data.camera()[100:292, 100:292, None] / 255 * 300 + 100
    counts = random.poisson(truth).astype(np.float32)
    dim, told = (denoiser(counts / white) * white for white in (65535, 511))
    assert psnr(dim / 511, truth / 511) == pytest.approx(psnr(told / 511, truth / 511), abs=0.2)
    assert psnr(dim / 511, truth / 511) > psnr(counts / 511, truth / 511) + 6


def test_a_level_that_no_number_hides_is_not_made_up(photo: Denoiser) -> None:
    pixels = np.full((32, 32, 3), 0.5, np.float32)
    pixels[3, 3, 1] = np.nan
    for denoiser in (photo, load("tv")):
        with pytest.raises(PictureError, match="no numbers"):
            denoiser.estimate(pixels)
    with pytest.raises(PictureError, match="no numbers"):
        load("tv")(pixels)
