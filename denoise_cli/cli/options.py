"""What all commands share: how they are made, and the options that mean the same in each."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

Model = Annotated[
    str,
    typer.Option("-m", "--model", metavar="NAME|FILE", help="A denoiser of `denoise-img models`, or a weights file."),
]
Device = Annotated[str, typer.Option(metavar="auto|cpu|cuda|mps", help="Where networks compute.")]
Precision = Annotated[str, typer.Option(metavar="auto|fp32|bf16|fp16", help="In which precision networks compute.")]
Tile = Annotated[
    str, typer.Option(metavar="auto|off|N", help="Pixels a side that a network sees at once. The result is the same.")
]
Size = Annotated[
    Optional[float],
    typer.Option(help="The size of median, mean (window's edge) or gaussian (standard deviation), in pixels."),
]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="What everything random starts from.")]
Json = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON on stdout.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Say more; show where errors come from.")]


def application() -> typer.Typer:
    """One command. Its help is plain text: rich takes as long to load as all else that help needs."""
    names = {"help_option_names": ["-h", "--help"]}
    return typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, context_settings=names
    )
