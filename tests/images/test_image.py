"""Samples become pixels and samples again without loss; white is what it should be."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from denoise_cli.images.codec import handed_over
from denoise_cli.images.image import (
    Canvas,
    Image,
    PixelFormat,
    rescaled,
    stored,
    to_pixels,
    to_samples,
    white_of,
)
from tests.images.helpers import noise


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 10, 12, 16, 20])
@pytest.mark.parametrize("inverted", [False, True])
def test_every_integer_sample_survives(bits, inverted):
    form = PixelFormat.integer("gray", bits, inverted=inverted)
    samples = np.arange(1 << bits, dtype=form.dtype).reshape(-1, 1, 1)
    pixels = to_pixels(samples, form)
    assert (pixels.dtype, pixels.min(), pixels.max()) == (np.float32, 0, 1)
    np.testing.assert_array_equal(to_samples(pixels, form), samples)


def test_white_is_one_whatever_sample_it_is():
    """As it is with a PGM's maximum value, or where a user says it."""
    for white in range(1, 1 << 16):
        assert to_pixels(np.full((1, 1), white, np.uint16), of_maximum(white)) == 1, white


@pytest.mark.parametrize("inverted", [False, True])
def test_every_sample_survives_whatever_is_white(inverted):
    for white in (*range(1, 300), *range(300, 1 << 16, 997), 65535):
        form, samples = of_maximum(white, inverted), np.arange(white + 1, dtype=np.uint16)[:, None, None]
        np.testing.assert_array_equal(to_samples(to_pixels(samples, form), form), samples)


def of_maximum(white: int, inverted: bool = False) -> PixelFormat:
    return PixelFormat("gray", np.dtype(np.uint16), 16, white, inverted, maximum=white)


def test_integers_are_rounded_and_clipped():
    pixels = np.array([-1, 0.001, 0.499 / 255, 0.501 / 255, 254.6 / 255, 3, np.inf, -np.inf], np.float32)
    form = PixelFormat.integer("gray", 8)
    assert to_samples(pixels.reshape(-1, 1, 1), form).ravel().tolist() == [0, 0, 0, 1, 255, 255, 255, 0]


def test_what_is_no_number_becomes_a_black_integer_quietly():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert to_samples(np.full((1, 1, 1), np.nan, np.float32), PixelFormat.integer("gray", 16))[0, 0, 0] == 0


def test_pixels_are_not_changed_by_becoming_samples():
    pixels = np.array([[[np.nan], [-1.0], [2.0]]], np.float32)
    before = pixels.copy()
    to_samples(pixels, PixelFormat.integer("gray", 8))
    to_samples(pixels, PixelFormat("gray", np.dtype(np.uint32), 32, 2.0**32 - 1))
    np.testing.assert_array_equal(pixels, before)


@pytest.mark.parametrize("dtype", [np.uint32, np.int32])
def test_32_bit_limits_hold(dtype):
    form = PixelFormat("gray", np.dtype(dtype), 32, float(np.iinfo(dtype).max))
    pixels = np.array([[[-9.0], [0.0], [1.0], [9.0]]], np.float32)
    low, top = np.iinfo(dtype).min, np.iinfo(dtype).max
    assert to_samples(pixels, form).ravel().tolist() == [low, 0, top, top]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_below_black_and_above_white_survive(dtype):
    samples = np.array([[-3.25, 0, 1, 7.5, 1000]], dtype)
    form = PixelFormat("gray", np.dtype(dtype), 32, 1.0)
    np.testing.assert_array_equal(to_samples(to_pixels(samples, form), form)[:, :, 0], samples)


def test_too_large_floats_become_infinite_quietly():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pixels = to_pixels(np.array([[1e300]]), PixelFormat("gray", np.dtype(np.float64), 64, 1.0))
        assert np.isinf(pixels).all()
        samples = to_samples(np.full((1, 1, 1), 1e9, np.float32), PixelFormat("gray", np.dtype(np.float16), 16, 1.0))
        assert np.isinf(samples).all()


@pytest.mark.parametrize("inverted", [False, True])
def test_another_white_changes_pixels_and_not_samples(inverted):
    form = PixelFormat.integer("gray", 16, inverted=inverted)
    samples = noise(7, 13, 1, dtype=np.uint16)
    image = rescaled(Image(to_pixels(samples, form), form), 4000.0)
    assert image.format.white == 4000
    expected = 1 - samples / 4000 if inverted else samples / 4000
    np.testing.assert_allclose(image.pixels, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(to_samples(image.pixels, image.format), samples)


@pytest.mark.parametrize(
    ("brightest", "white"),
    [(0.01, 1), (1, 1), (8, 1), (8.5, 255), (255, 255), (256, 1023), (4000, 4095), (16000, 16383), (60000, 65535)],
)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_white_of(brightest, white, dtype):
    samples = np.full((7, 13), brightest, dtype)
    assert white_of(samples) == white


def test_the_white_of_beyond_all_usual_scales_is_their_own():
    assert white_of(np.full((7, 13), 1e6, np.float32)) == 1e6


@pytest.mark.parametrize(("brightest", "white"), [(5, 255), (4000, 4095), (70_000, 70_000)])
@pytest.mark.parametrize("dtype", [np.int32, np.uint32, np.int64])
def test_the_white_of_wide_integers_is_what_the_brightest_are_near(brightest, white, dtype):
    assert white_of(np.full((7, 13), brightest, dtype)) == white


def test_few_highlights_and_what_is_no_number_do_not_move_white():
    samples = np.full(10_000, 0.5, np.float32)
    samples[:10] = 5000
    assert white_of(samples) == 1
    samples[10] = 5000
    assert white_of(samples) == 16383
    samples[:11] = np.inf
    samples[11:50] = np.nan
    assert white_of(samples) == 1
    assert white_of(np.full((3, 3), np.nan, np.float32)) == 1


def test_white_is_found_in_large_pictures_of_half_precision():
    """Whose number of values is beyond what a float16 can count."""
    samples = np.full((400, 400), 200, np.float16)
    assert white_of(samples) == 255


def test_pictures_that_are_handed_over_are_not_kept():
    images = [Image(np.zeros((1, 1, 1), np.float32), PixelFormat.integer("gray", 8))]
    stream = handed_over(images)
    next(stream)
    assert not images


@pytest.mark.parametrize(("marker", "dtype"), [(3.4e38, np.float32), (1e300, np.float64), (np.inf, np.float16)])
def test_markers_of_missing_values_do_not_move_white(marker, dtype):
    """Else every other sample would be lost: divided by infinity, and multiplied by it again."""
    samples = np.full((7, 13), 0.5, dtype)
    samples[:3] = marker
    assert white_of(samples) == 1
    form = PixelFormat("gray", np.dtype(dtype), 32, white_of(samples))
    np.testing.assert_array_equal(to_samples(to_pixels(samples, form), form)[3:, :, 0], samples[3:])


def test_stored_pixels_are_those_of_the_samples_wherever_they_are_looked_at() -> None:
    form = PixelFormat.integer("cmyk", 8, inverted=True)
    samples = np.random.default_rng(0).integers(0, 256, (7, 9, 4), np.uint8)
    source = stored(samples, form)
    assert source.shape == (7, 9, 4)
    assert np.array_equal(source[2:5, 3:], to_pixels(samples, form)[2:5, 3:])
    assert np.array_equal(Image(source, form).pixels, to_pixels(samples, form))
    assert stored(samples[:, :, 0], form).shape == (7, 9, 1)


def test_a_canvas_holds_what_a_file_would() -> None:
    form = PixelFormat.integer("rgb", 8)
    pixels = np.random.default_rng(0).normal(0.5, 0.5, (7, 9, 3)).astype(np.float32)
    canvas = Canvas.of((7, 9, 3), form)
    for part in (slice(0, 4), slice(4, 7)):
        canvas[part, :] = pixels[part, :]
    assert np.array_equal(to_samples(canvas, form), to_samples(pixels, form))
    deeper = PixelFormat.integer("rgb", 16)
    assert np.array_equal(to_samples(canvas, deeper), 257 * to_samples(pixels, form).astype(np.uint16))
