from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from PIL import Image

from denoise_cli.fitting.report import ZOOM, Report, write_report


def test_the_page_has_all_that_was_said_and_shown_and_needs_nothing_else(tmp_path: Path) -> None:
    gray = np.full((8, 10, 1), 0.25, np.float32)
    colour = np.full((8, 10, 3), 0.5, np.float32)
    report = Report(
        "mine <from> photos",
        ("found 3 scenes & more",),
        (("noisy", 20.0), ("trained", 27.5)),
        "trained",
        ((10, 25.0), (20, 27.0), (30, 27.5)),
        ((gray, gray), (colour, 0.9 * colour)),
    )
    page = tmp_path / "report.html"
    write_report(page, report)
    text = page.read_text(encoding="utf-8")
    assert "mine &lt;from&gt; photos" in text
    assert "found 3 scenes &amp; more" in text
    assert "<td>27.50 dB</td><td>written</td>" in text
    assert not re.search(r"https?:|src=\"(?!data:)", text)
    pictures = [Image.open(io.BytesIO(base64.b64decode(data))) for data in re.findall(r"base64,([^\"]+)", text)]
    assert [(picture.mode, picture.size) for picture in pictures] == [
        ("L", (22 * ZOOM, 8 * ZOOM)),
        ("RGB", (22 * ZOOM, 8 * ZOOM)),
    ]
    points = re.search(r"points='([^']+)'", text)
    assert points is not None
    heights = [float(point.split(",")[1]) for point in points[1].split()]
    assert heights == sorted(heights, reverse=True)
    HTMLParser().feed(text)


def test_a_short_training_has_no_curve(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    write_report(page, Report("x", (), (("noisy", 1.0),), "noisy", ((1, 1.0),), ()))
    assert "<svg" not in page.read_text(encoding="utf-8")
