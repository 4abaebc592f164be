"""Figures of matplotlib, which need not be installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from denoise_cli.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width: float, height: float) -> Figure:
    """An empty one, of a size in inches, for files only.

    Raises UsageError where matplotlib is missing.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError(
            "figures are drawn with matplotlib, which is not installed: pip install 'denoise-img[plot]'"
        ) from None
    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    return figure
