from __future__ import annotations

import numpy as np
import pytest

from denoise_cli.batch.picture import Settings, denoise_image
from denoise_cli.denoisers import classical
from denoise_cli.denoisers.denoiser import BAND, copy_into
from denoise_cli.images.image import Image, PixelFormat, stored
from denoise_cli.images.overlay import Overlay

FORM = PixelFormat.integer("rgb", 8)


def noise(height: int = 700, width: int = 90) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_what_is_put_in_waits_until_it_is_settled() -> None:
    samples = np.zeros((6, 2, 3), np.uint8)
    overlay = Overlay.over(stored(samples, FORM))
    overlay[0:4, 0:1] = np.ones((4, 1, 3), np.float32)
    assert not samples.any()
    assert not overlay.begun
    overlay.settle(3)
    assert overlay.begun
    assert samples[:3, 0].all()
    assert not samples[3:].any()
    overlay[4:6, :] = np.ones((2, 2, 3), np.float32)
    overlay.settle(2)  # no way back
    overlay.settle()
    assert samples[:, 0].all()
    assert samples[4:, 1].all()
    assert not samples[:4, 1].any()
    assert overlay.waiting == []


@pytest.mark.parametrize("model", ["median", "gaussian", "wavelet"])
def test_a_result_over_its_picture_is_that_beside_it(model: str) -> None:
    settings = Settings(classical.build(model, 9 if model == "median" else None))
    beside = denoise_image(Image(stored(noise(), FORM), FORM), settings)
    spent = Image(stored(noise(), FORM), FORM)
    over = denoise_image(spent, settings, spent=True)
    np.testing.assert_array_equal(over.source.samples, beside.source.samples)  # type: ignore[union-attr]
    assert np.shares_memory(over.source.samples, spent.source.samples)  # type: ignore[union-attr]


def test_what_cannot_be_written_to_is_left_alone() -> None:
    samples = noise(40)
    samples.flags.writeable = False
    result = denoise_image(Image(stored(samples, FORM), FORM), Settings(classical.build("median")), spent=True)
    np.testing.assert_array_equal(samples, noise(40))
    assert not np.shares_memory(result.source.samples, samples)  # type: ignore[union-attr]


def test_a_copy_waits_for_nothing() -> None:
    samples = noise()
    overlay = Overlay.over(stored(samples.copy(), FORM))
    copy_into(overlay, stored(samples, FORM))
    assert sum(len(part) for _, _, part in overlay.waiting) <= BAND
    overlay.settle()
    assert np.array_equal(overlay.samples, samples)
