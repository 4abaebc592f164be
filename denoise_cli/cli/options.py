"""What all commands share: how they are made, and the options that mean the same in each."""

from __future__ import annotations

import math
from typing import Annotated, Any, Optional

import typer

LARGEST_SEED = 2**32 - 1


def number(metavar: str, low: float, high: float = math.inf, *, help: str) -> Any:
    """An option with limits that NaN does not pass, either, and whose refusal says what was typed.

    `metavar` must not be the option's own name: typer 0.27 would call it --RATE then, and know no --rate.
    """
    span = f"from {low:g} to {high:.10g}" if math.isfinite(high) else f"of {low:g} or more"

    def checked(value: Any) -> Any:
        for number in value if isinstance(value, list) else [value]:
            if number is not None and not low <= number <= high:
                raise typer.BadParameter(f"{number} is not a number {span}")
        return value

    return typer.Option(metavar=metavar, callback=checked, help=help)


Model = Annotated[
    str,
    typer.Option("-m", "--model", metavar="NAME|FILE", help="A denoiser of `denoise-img models`, or a weights file."),
]
Device = Annotated[
    str, typer.Option(metavar="auto|cpu|cuda|mps", help="Where networks compute; cuda:1 is the second GPU.")
]
Precision = Annotated[str, typer.Option(metavar="auto|fp32|bf16|fp16", help="In which precision networks compute.")]
Compile = Annotated[bool, typer.Option("--compile", help="Faster steps after a slow first one; takes a C++ compiler.")]
Tile = Annotated[
    str,
    typer.Option(
        metavar="auto|off|N", help="Pixels a side that a network sees at once; the result is the same but for rounding."
    ),
]
Size = Annotated[
    Optional[float],
    typer.Option(
        metavar="PIXELS",
        help="The size of median, mean (window's edge) or gaussian (standard deviation), in pixels.",
    ),
]
Quality = Annotated[
    int,
    number("1..100", 1, 100, help="The quality in which JPEG and lossy WebP are written."),
]
White = Annotated[
    Optional[float],
    typer.Option(
        metavar="VALUE", help="The sample value that is white, such as 4095 for 12-bit data in a 16-bit file."
    ),
]
Seed = Annotated[int, number("N", 0, LARGEST_SEED, help="What everything random starts from.")]
Json = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON on stdout.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No progress and no hints, only errors.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Say more; show where errors come from.")]


def application() -> typer.Typer:
    """One command. Its help is plain text: rich takes as long to load as all else that help needs.

    Arguments are hidden, as a list of them would show their types in Python; the commands' texts say what they are.
    """
    names = {"help_option_names": ["-h", "--help"]}
    return typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, context_settings=names
    )
