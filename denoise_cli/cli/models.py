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
ENOUGH, WIDE = 110, 200  # columns: for all that there is to tell, and of no terminal, for grep


@app.command()
def models(
    name: Annotated[
        Optional[str],
        typer.Argument(metavar="NAME|FILE", hidden=True),
    ] = None,
    speed: Annotated[
        bool, typer.Option("--speed", help="Measure how fast each is on 512 x 512 pixels in colour; a minute or two.")
    ] = False,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """The denoisers there are, or with NAME (or the FILE of its weights) all facts of one.

    Level says what a denoiser does with the noise level: it is given one (by --sigma, otherwise it is estimated), is
    blind (judges it from the picture itself, and takes no --sigma), or has none (--size sets how much it smooths).
    Parameters are a network's weights; MAC/px the multiply-adds that it takes for a pixel; PSNR 25 is in decibels, at
    noise of sigma 25, on the test set that stands beside it. Networks for gray pictures take a colour one channel by
    channel, so --speed has a third of what they do on gray. A terminal of less than 110 columns leaves them out.
    """
    from dataclasses import asdict

    from denoise_cli.denoisers import catalogue

    chosen = catalogue.cards() if name is None else [catalogue.card(name)]
    rates = {}
    if speed:
        from denoise_cli.cli.console import waiting
        from denoise_cli.denoisers.memory import arrange_memory
        from denoise_cli.measure.speed import megapixels_per_second

        for card in chosen:
            with waiting(f"measuring {card.name}…", hidden=quiet):
                denoiser = catalogue.load(name or card.name, device=device, precision=precision)
                arrange_memory(card)
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

    console = Console(width=None if sys.stdout.isatty() else WIDE)
    figures = ["parameters", "MAC/px", "PSNR 25"] if console.width >= ENOUGH else []
    table = Table(box=None, pad_edge=False)
    for title in ("name", "for", "level"):
        table.add_column(title, no_wrap=title != "for")
    for title in (*figures, *(["MP/s here"] if rates else [])):
        table.add_column(title, justify="right", no_wrap=True)
    for card in cards:
        row = [card.name, card.summary, card.level]
        if figures:
            row += [_short(card.parameters), _short(card.macs_per_pixel), _at_25(card)]
        table.add_row(*row, *([f"{rates[card.name]:.2f}"] if rates else []))
    console.print(table)


def _card(card: Card, rates: dict[str, float]) -> None:
    """A fact a line, never cut: commands and digests are there to be copied. What says nothing is left out."""
    from dataclasses import asdict

    nothing: dict[str, object] = {"multiple": 1}  # every size is one of 1
    if card.family == "classical":
        nothing["radius"] = card.radius  # which --size sets
    for name, value in asdict(card).items():
        if value and value != nothing.get(name):
            print(f"{name.replace('_', ' '):14}  {value}")
    if rates:
        print(f"megapixels a second here  {rates[card.name]:.2f}")


def _short(number: int) -> str:
    return f"{number / 1e6:.2f} M" if number >= 1e4 else str(number or "")


def _at_25(card: Card) -> str:
    return ", ".join(f"{levels['25']:.2f} {name}" for name, levels in card.psnr.items() if "25" in levels)
