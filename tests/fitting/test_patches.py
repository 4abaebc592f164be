from __future__ import annotations

import numpy as np
import pytest
import torch

from denoise_cli.fitting import patches
from denoise_cli.fitting.patches import PatchSource
from tests.fitting.toys import CPU, source


def test_patches_are_pixels_of_the_photos() -> None:
    photo = np.arange(30 * 40 * 3, dtype=np.uint16).reshape(30, 40, 3).astype(np.uint8)
    photo[:, :, 1] = np.arange(30)[:, None]
    photo[:, :, 2] = np.arange(40)[None]
    photos = PatchSource([photo], expected=1, device=CPU, seed=0, smallest=30)
    found = photos.patches(8, 16, torch.Generator().manual_seed(0))
    assert found.shape == (8, 3, 16, 16)
    for patch in (found * 255).round().int():
        rows, columns = patch[1], patch[2]
        steps = {abs(int(rows[1, 0] - rows[0, 0])), abs(int(rows[0, 1] - rows[0, 0]))}
        assert steps == {0, 1}  # whichever way it was turned, neighbours stayed neighbours
        assert len({int(value) for value in columns.flatten()}) == 16


def test_the_same_generator_gives_the_same_patches() -> None:
    first, again = (source().patches(4, 24, torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(first, again)


def test_pictures_too_small_to_train_on_are_told() -> None:
    with pytest.raises(ValueError, match="200 x 200"):
        source(smallest=200)


def test_photos_that_are_more_than_memory_has_are_cropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patches, "MEMORY", 2 * 3 * 64 * 64 * 3)
    monkeypatch.setattr(patches, "CROP", 64)
    kept = source()._pictures
    assert kept._samples.numel() <= patches.MEMORY
    assert max(max(place.height, place.width) for place in kept._places) == 64
