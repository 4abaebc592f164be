"""Quality against speed, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from denoise_cli.measure.bench import NOISY, Row
from denoise_cli.measure.figure import new_figure
from denoise_cli.places.files import replacing


def plot(rows: Sequence[Row], path: Path) -> None:
    """Writes a PNG: PSNR over megapixels a second, a panel for each set and noise level, a dot for each denoiser.

    Raises UsageError where matplotlib is missing, OSError where the file cannot be written.
    """
    panels = list(dict.fromkeys((row.set, row.sigma) for row in rows))
    figure = new_figure(5.2 * len(panels), 4.2)
    for place, (name, sigma) in enumerate(panels, start=1):
        axes = figure.add_subplot(1, len(panels), place)
        axes.set_title(name if sigma is None else f"{name}, sigma {sigma:g}")
        axes.set_xlabel("megapixels a second")
        axes.set_ylabel("PSNR, dB")
        axes.set_xscale("log")
        axes.margins(0.2)
        axes.grid(alpha=0.3, which="both")
        here = [row for row in rows if (row.set, row.sigma) == (name, sigma)]
        for number, row in enumerate(sorted(here, key=lambda row: row.megapixels_per_second or 0)):
            if row.psnr is None:
                continue
            if row.model == NOISY or row.megapixels_per_second is None:
                axes.axhline(row.psnr, color="gray", linestyle=":", label=NOISY)
                continue
            at = row.megapixels_per_second, row.psnr
            beside = (5, 4 if number % 2 else -12)  # above and below by turns, for those that are as good and as fast
            axes.plot(*at, "o")
            axes.annotate(Path(row.model).stem, at, xytext=beside, textcoords="offset points")
        axes.legend(loc="best", frameon=False)
    with replacing(path) as file:
        figure.savefig(file, format="png")
