from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.fitting.shots import shot


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five scenes, three shots each."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for scene in range(5):
        for frame in range(3):
            pixels = (shot(scene, frame) * 255).round().clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(pictures / f"{frame}-{scene}.png")
    return pictures
