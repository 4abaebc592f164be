"""The options that mean the same in every command."""

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
Seed = Annotated[int, typer.Option(help="What everything random starts from.")]
Json = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON on stdout.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Say more; show where errors come from.")]
