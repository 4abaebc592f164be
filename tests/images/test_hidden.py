"""What is invisible or no number neither takes part nor changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from denoise_cli.images.hidden import filled, hidden, restore
from denoise_cli.images.image import Canvas, Image, PixelFormat, Stored

BYTES = PixelFormat.integer("rgb", 8)
FLOATS = PixelFormat("rgb", np.dtype(np.float32), 32, 1.0)


def picture() -> np.ndarray:
    return np.random.default_rng(1).random((7, 13, 3)).astype(np.float32)


def test_nothing_is_hidden_in_ordinary_pictures():
    assert hidden(Image(picture(), BYTES)) is None
    assert hidden(Image(picture(), BYTES, np.full((7, 13), 1, np.uint8))) is None
    assert hidden(Image(picture(), FLOATS)) is None


def test_full_transparency_hides():
    alpha = np.full((7, 13), 255, np.uint8)
    alpha[2, 3:5] = 0
    alpha[4, 4] = 1
    mask = hidden(Image(picture(), BYTES, alpha))
    assert mask is not None
    assert np.argwhere(mask).tolist() == [[2, 3], [2, 4]]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_hides_its_pixel(value):
    pixels = picture()
    pixels[1, 2, 1] = value
    alpha = np.ones((7, 13), np.float32)
    alpha[3, 3] = 0
    mask = hidden(Image(pixels, FLOATS, alpha))
    assert mask is not None
    assert np.argwhere(mask).tolist() == [[1, 2], [3, 3]]


def test_hidden_pixels_take_the_nearest_visible_colour_for_the_time():
    pixels = np.zeros((3, 9, 3), np.float32)
    pixels[:, :3] = 0.25
    pixels[:, 6:] = 0.75
    mask = np.zeros((3, 9), bool)
    mask[:, 3:6] = True
    pixels[mask] = 1e9
    result = filled(pixels, mask)
    assert result[1, :, 0].tolist() in ([0.25] * 5 + [0.75] * 4, [0.25] * 4 + [0.75] * 5)
    assert pixels[1, 4, 0] == np.float32(1e9)


def test_what_is_far_from_all_that_is_visible_is_black_for_the_time():
    mask = np.zeros((5, 60), bool)
    mask[:, 20:] = True
    paper = replace(PixelFormat.integer("gray", 8), inverted=True)
    for samples, form in ((np.full((5, 60, 1), 90, np.uint8), form) for form in (BYTES, paper)):
        result = filled(Stored(samples, form), mask)
        assert (result.samples[:, :28] == 90).all()
        assert (result[:, 28:] == 0).all()


def test_a_picture_that_is_all_hidden_is_black_for_the_time():
    assert not filled(np.full((3, 4, 1), np.nan, np.float32), np.ones((3, 4), bool)).any()


def test_hidden_colours_do_not_bleed_and_come_back_as_they_were():
    """A box blur in place of a denoiser: with hidden magenta, not a trace of it shows at the edge."""
    pixels = np.full((9, 9, 3), 0.5, np.float32)
    alpha = np.full((9, 9), 255, np.uint8)
    alpha[:, 5:] = 0
    pixels[:, 5:] = 1, 0, 1
    image = Image(pixels, BYTES, alpha)
    mask = hidden(image)
    assert mask is not None
    inner = filled(pixels, mask)
    blurred = (inner + np.roll(inner, 1, 1) + np.roll(inner, -1, 1)) / 3
    restore(blurred, pixels, mask)
    np.testing.assert_allclose(blurred[:, :5], 0.5, rtol=1e-6)
    np.testing.assert_array_equal(blurred[:, 5:], pixels[:, 5:])


def test_what_is_no_number_comes_back_as_it_was():
    pixels = picture()
    pixels[0, 0] = np.nan, 0.5, np.inf
    mask = hidden(Image(pixels, FLOATS))
    assert mask is not None
    inner = filled(pixels, mask)
    assert np.isfinite(inner).all()
    restore(inner, pixels, mask)
    np.testing.assert_array_equal(inner, pixels)


@pytest.mark.parametrize(("dtype", "odd"), [(np.float64, -1.797e308), (np.uint32, 4_000_000_001)])
def test_hidden_samples_come_back_to_the_last_bit(dtype, odd):
    samples = np.full((3, 4, 1), odd, dtype)
    form = PixelFormat("gray", np.dtype(dtype), 8 * np.dtype(dtype).itemsize, 1.0)
    result = Canvas.of((3, 4, 1), form)
    result.samples[:] = 1
    mask = np.eye(3, 4, dtype=bool)
    restore(result, Stored(samples, form), mask)
    assert (result.samples[mask] == samples[mask]).all()
    assert (result.samples[~mask] == 1).all()
