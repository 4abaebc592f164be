from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    (root / "sub").mkdir(parents=True)
    random = np.random.default_rng(0)
    for name in ("a.jpg", "a.png", "sub/a.jpg"):
        Image.fromarray(random.integers(0, 256, (20, 30, 3)).astype(np.uint8)).save(root / name)
    return root
