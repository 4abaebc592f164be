"""`denoise-img models [NAME]`: the catalogue, or one card."""

from __future__ import annotations

import json as jsonlib
import sys
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from denoise_cli.cli import options

if TYPE_CHECKING:
    from denoise_cli.denoisers.card import Card

app = options.application()
NARROWEST, WIDE = 80, 200  # columns: that figures are not cut off, and of no terminal, for grep


@app.command()
def models(
    name: Annotated[
        Optional[str],
        typer.Argument(metavar="NAME|FILE", help="A denoiser or a weights file whose card is wanted."),
    ] = None,
    speed: Annotated[
        bool, typer.Option("--speed", help="Measure how fast each is on this machine; takes some seconds.")
    ] = False,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    json: options.Json = False,
    verbose: options.Verbose = False,
) -> None:
    """The denoisers there are, or the card of one."""
    from dataclasses import asdict

    from denoise_cli.denoisers import catalogue

    chosen = catalogue.cards() if name is None else [catalogue.card(name)]
    rates = {}
    if speed:
        from denoise_cli.measure.speed import megapixels_per_second

        for card in chosen:
            denoiser = catalogue.load(name or card.name, device=device, precision=precision)
            rates[card.name] = megapixels_per_second(denoiser)
    if json:
        facts = [{**asdict(card), **({"megapixels_per_second": rates[card.name]} if speed else {})} for card in chosen]
        print("[" + ",\n ".join(jsonlib.dumps(fact, ensure_ascii=False, sort_keys=True) for fact in facts) + "]")
    elif name is None:
        _table(chosen, rates)
    else:
        _card(chosen[0], rates)


def _table(cards: list[Card], rates: dict[str, float]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title, side in (("name", "left"), ("for", "left"), ("level", "left"), ("parameters", "right"),
                        ("MAC/px", "right"), ("PSNR 25", "right")):  # fmt: skip
        table.add_column(title, justify=side)  # type: ignore[arg-type]
    if rates:
        table.add_column("MP/s here", justify="right")
    for card in cards:
        row = [card.name, card.summary, card.level, _short(card.parameters), _short(card.macs_per_pixel), _at_25(card)]
        table.add_row(*row, *([f"{rates[card.name]:.2f}"] if rates else []))
    console = Console()
    console.width = max(console.width, NARROWEST if sys.stdout.isatty() else WIDE)
    console.print(table)


def _card(card: Card, rates: dict[str, float]) -> None:
    """A fact a line, never cut: commands and digests are there to be copied."""
    from dataclasses import asdict

    for name, value in asdict(card).items():
        if value not in ("", {}, None) and not (value == 0 and name != "channels"):
            print(f"{name.replace('_', ' '):14}  {value}")
    if rates:
        print(f"megapixels a second here  {rates[card.name]:.2f}")


def _short(number: int) -> str:
    return f"{number / 1e6:.2f} M" if number >= 1e4 else str(number or "")


def _at_25(card: Card) -> str:
    return ", ".join(f"{levels['25']:.2f} {name}" for name, levels in card.psnr.items() if "25" in levels)
