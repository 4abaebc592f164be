from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two flat pictures."""
    place = tmp_path / "flat"
    place.mkdir()
    for number in range(2):
        Image.new("RGB", (64, 48), (90 * number, 80, 70)).save(place / f"{number}.png")
    return place
