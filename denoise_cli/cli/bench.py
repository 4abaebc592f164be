"""`denoise-img bench FOLDER`: denoisers side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from denoise_cli import DEFAULT_MODEL
from denoise_cli.cli import options

if TYPE_CHECKING:
    from denoise_cli.measure.bench import Row

MODELS, SIGMAS = [DEFAULT_MODEL], [25.0]
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def bench(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Clean pictures, to which noise is added.")],
    model: Annotated[
        list[str], typer.Option("-m", "--model", metavar="NAME|FILE", help="A denoiser; several are possible.")
    ] = MODELS,
    sigma: Annotated[list[float], typer.Option(min=0, max=255, help="A noise level; several are possible.")] = SIGMAS,
    seed: options.Seed = 0,
    record: Annotated[
        bool,
        typer.Option("--record", help="Write the PSNR into the cards of the weights files, under the folder's name."),
    ] = False,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    tile: options.Tile = "auto",
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Measure denoisers on clean pictures with Gaussian noise: PSNR, SSIM and speed.

    The noise is unclipped, seeded, and another for every picture; PSNR is that of the 8-bit result. Denoisers that take
    a noise level are told the true one.
    """
    import json as jsonlib

    from rich.console import Console

    from denoise_cli.denoisers.catalogue import load, record_psnr
    from denoise_cli.measure import bench as measure

    denoisers = [(name, load(name, device=device, precision=precision, tile=tile)) for name in dict.fromkeys(model)]
    pictures = measure.pictures_in(folder)
    console = Console(stderr=True, quiet=quiet)
    with console.status("") as status:
        rows = measure.bench(
            denoisers,
            pictures,
            sigma,
            seed=seed,
            tell=lambda name, number: status.update(f"{name}, picture {number + 1} of {len(pictures)}"),
        )
    if json:
        print(jsonlib.dumps([row.facts() for row in rows]))
    else:
        _table(rows)
    if record:
        for name in model:
            record_psnr(name, folder.resolve().name, {f"{row.sigma:g}": row.psnr for row in rows if row.model == name})


def _table(rows: list[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("model")
    for title in ("sigma", "PSNR", "SSIM", "MP/s"):
        table.add_column(title, justify="right")
    for row in rows:
        speed = f"{row.megapixels_per_second:.2f}" if row.megapixels_per_second else ""
        table.add_row(row.model, f"{row.sigma:g}", f"{row.psnr:.2f}", f"{row.ssim:.4f}", speed)
    Console().print(table)
