"""Whoever uses the program as a library gets their process back as it was."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
from PIL import Image as Pillow

from denoise_cli.images.exif import orientation
from denoise_cli.images.pillow import opened, with_palette
from tests.images.helpers import exif, noise, read, saved

PICTURE = saved(Pillow.fromarray(noise(7, 13, 3)), "PNG")


def test_pictures_that_are_open_at_the_same_time_leave_warnings_alone():
    """As threads have them, of which the first to begin need not be the last to end."""
    before = list(warnings.filters)
    first, second = (opened(io.BytesIO(PICTURE), "PNG") for _ in range(2))
    first.__enter__()
    second.__enter__()
    assert warnings.filters == before
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    assert warnings.filters == before


@pytest.mark.filterwarnings("error")
def test_large_pictures_and_damaged_exif_are_no_matter_for_warnings(monkeypatch):
    monkeypatch.setattr(Pillow, "MAX_IMAGE_PIXELS", 80)
    assert read(PICTURE)[0].shape == (7, 13, 3)
    with pytest.raises(Pillow.DecompressionBombWarning), Pillow.open(io.BytesIO(PICTURE)):
        pass
    for length in range(8, len(exif(6))):
        assert orientation(exif(6)[:length]) in (1, 6)


def test_entries_of_a_palette_go_to_the_levels_that_want_them() -> None:
    """Transparent pixels of one colour leave theirs to the visible ones."""
    color, alpha = noise(100, 100, 3), np.full((100, 100), 255, np.uint8)
    color[:90], alpha[:90] = 0, 0
    picture = with_palette(color, alpha, 256)
    shown = np.asarray(picture.convert("RGBA"))
    assert np.array_equal(shown[:, :, 3], alpha)
    assert len(np.unique(shown[90:].reshape(-1, 4), axis=0)) > 200
