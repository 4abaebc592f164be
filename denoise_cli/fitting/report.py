"""The account of a training as one HTML page without anything outside of it: verdict, learning curve, examples."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from denoise_cli.images.image import Pixels
from denoise_cli.measure.quality import as_8_bit
from denoise_cli.places.files import replacing

WIDTH, HEIGHT, EDGE = 640, 240, 44  # of the curve, in pixels
ZOOM = 3  # of the examples
STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse } td { padding: .2rem 1rem .2rem 0 }
img { image-rendering: pixelated; max-width: 100% } figure { margin: 1rem 0 }
svg { max-width: 100% } text { font-size: 12px; fill: currentColor }
"""


@dataclass(frozen=True)
class Report:
    """`account`: lines of text. `tried`: names and their PSNR in dB. `curve`: steps and PSNR in dB.

    `examples`: noisy and denoised, `[height, width, channels]`, 1.0 = white.
    """

    title: str
    account: tuple[str, ...]
    tried: tuple[tuple[str, float], ...]
    chosen: str
    curve: tuple[tuple[int, float], ...]
    examples: tuple[tuple[Pixels, Pixels], ...]


def write_report(path: Path, report: Report) -> None:
    """Writes the page. Raises OSError where it cannot."""
    rows = [(name, f"{psnr:.2f} dB", "written" if name == report.chosen else "") for name, psnr in report.tried]
    table = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    figures = "".join(
        f'<figure><img alt="noisy, and denoised" src="{_picture(noisy, clean)}"></figure>'
        for noisy, clean in report.examples
    )
    title = html.escape(report.title)
    page = (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{title}</title>",
        f"<style>{STYLE}</style></head><body><h1>{title}</h1>",
        *(f"<p>{html.escape(line)}</p>" for line in report.account),
        f"<h2>Compared on what was held out</h2><table>{table}</table>",
        f"<h2>While it learnt</h2>{_curve(report.curve)}",
        f"<h2>Before and after</h2>{figures}</body></html>",
    )
    with replacing(path) as file:
        file.write(("\n".join(page) + "\n").encode("utf-8", "replace"))


def _picture(noisy: Pixels, clean: Pixels) -> str:
    """Side by side, enlarged, as a data URL. Dark pictures are made brighter, both alike, for looking at."""
    brightest = max(float(np.quantile(clean, 0.999)), 1e-3)
    both = [as_8_bit(pixels / brightest) for pixels in (noisy, clean)]
    gap = np.full((len(noisy), 2, noisy.shape[2]), 255, np.uint8)
    joined = np.concatenate([both[0], gap, both[1]], axis=1)
    picture = Image.fromarray(joined[:, :, 0] if joined.shape[2] == 1 else joined[:, :, :3])
    picture = picture.resize((ZOOM * picture.width, ZOOM * picture.height), Image.Resampling.NEAREST)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _curve(points: Sequence[tuple[int, float]]) -> str:
    """PSNR over steps, as SVG."""
    if len(points) < 2:
        return "<p>too short to show</p>"
    steps, values = zip(*points, strict=True)
    low, high = min(values), max(max(values), min(values) + 0.01)

    def place(step: int, value: float) -> str:
        across = EDGE + (WIDTH - 2 * EDGE) * (step - steps[0]) / max(1, steps[-1] - steps[0])
        return f"{across:.1f},{HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (value - low) / (high - low):.1f}"

    line = " ".join(place(step, value) for step, value in points)
    return (
        f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' role='img' aria-label='PSNR over steps'>"
        f"<polyline points='{line}' fill='none' stroke='currentColor' stroke-width='2'/>"
        f"<text x='0' y='{EDGE}'>{high:.2f}</text><text x='0' y='{HEIGHT - EDGE}'>{low:.2f} dB</text>"
        f"<text x='{EDGE}' y='{HEIGHT - 8}'>step {steps[0]}</text>"
        f"<text x='{WIDTH - EDGE}' y='{HEIGHT - 8}' text-anchor='end'>{steps[-1]}</text></svg>"
    )
