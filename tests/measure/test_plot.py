from __future__ import annotations

from pathlib import Path

from PIL import Image

from denoise_cli.measure.bench import Row
from denoise_cli.measure.plot import plot


def test_the_plot_is_a_picture(tmp_path: Path) -> None:
    rows = [
        Row("a", 25, "noisy", 2, 20.3, 0.4),
        Row("a", 25, "median", 2, 24.3, 0.6, 0.2, 5.0),
        Row("a", 25, "bm3d", 2, note="would take 30 minutes a picture"),
        Row("b", None, "noisy", 2, 33, 0.9),
    ]
    plot(rows, tmp_path / "plot.png")
    assert Image.open(tmp_path / "plot.png").width > 1000
