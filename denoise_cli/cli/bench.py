"""`denoise-img bench FOLDER...`: denoisers side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from denoise_cli import DEFAULT_MODEL
from denoise_cli.cli import options

if TYPE_CHECKING:
    from denoise_cli.measure.bench import Row
    from denoise_cli.measure.sets import TestSet

MODELS, SIGMAS = [DEFAULT_MODEL], [25.0]
WIDE = 1000  # columns of a table whose figures must not be cut off where a terminal, or none, has fewer
app = options.application()


@app.command()
def bench(
    folders: Annotated[
        Optional[list[str]],
        typer.Argument(metavar="FOLDER|FILE", hidden=True),
    ] = None,
    pairs: Annotated[
        Optional[tuple[str, str]],
        typer.Option(
            metavar="NOISY CLEAN",
            help="Pictures with noise of their own and the clean ones: folders, or patterns in quotes.",
        ),
    ] = None,
    model: Annotated[
        list[str], typer.Option("-m", "--model", metavar="NAME|FILE", help="A denoiser; several are possible.")
    ] = MODELS,
    sigma: Annotated[
        Optional[list[float]],
        options.number("0..255", 0, 255, help="A noise level to add; several are possible. Default: 25."),
    ] = None,
    peers: Annotated[
        bool,
        typer.Option(
            "--peers",
            help="Also what is used elsewhere: scikit-image, OpenCV, bm3d, and the networks by OpenVINO and by plain "
            "PyTorch in float32; what is not installed is left out.",
        ),
    ] = False,
    longest: Annotated[
        Optional[float],
        options.number("MINUTES", 0, help="Leave out what would take longer for a picture."),
    ] = None,
    blind: Annotated[
        bool, typer.Option("--blind", help="Tell no noise level: denoisers that take one estimate it.")
    ] = False,
    seed: options.Seed = 0,
    white: options.White = None,
    record: Annotated[
        bool,
        typer.Option("--record", help="Write the PSNR into the cards of the weights files, under the sets' names."),
    ] = False,
    plot: Annotated[
        Optional[Path], typer.Option(metavar="FILE.png", help="Draw quality against speed; takes the extra [plot].")
    ] = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    tile: options.Tile = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a plot that is there already.")] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Measure denoisers: PSNR, SSIM, speed, and the peak memory of a process that does nothing else.

    FOLDER or FILE: clean pictures, to which noise is added; a set each.

    Share: how much of the machine's rate of multiplying matrices a network reaches.

    To clean pictures Gaussian noise is added, unclipped, seeded, and another for every picture; denoisers that take a
    noise level are told the true one, but with --blind and --pairs they estimate it. PSNR is that of the 8-bit result.
    """
    import json as jsonlib
    import sys

    from rich.console import Console

    from denoise_cli.errors import UsageError
    from denoise_cli.measure import bench as benchmark
    from denoise_cli.measure.peers import peers_of
    from denoise_cli.measure.sets import clean_set, paired_set

    sets = [clean_set(folder, white) for folder in folders or []] + ([paired_set(*pairs, white)] if pairs else [])
    if not sets:
        raise UsageError("nothing to measure with: name a folder of clean pictures, or --pairs NOISY CLEAN")
    if len({test_set.name for test_set in sets}) < len(sets):
        raise UsageError("two of the folders have the same name, so their rows could not be told apart")
    if sigma and not folders:
        raise UsageError("--sigma is the level of noise that is added to clean pictures; --pairs have theirs already")
    if plot is not None:
        _check_plot(plot, overwrite, [path for test_set in sets for path in (*test_set.clean, *test_set.noisy)])
    sizes = {test_set.name: len(test_set.clean) for test_set in sets}
    models = list(dict.fromkeys(model))
    recorded = _recorded(models, sets, blind=blind) if record else []
    if peers:
        found, missing = peers_of(models)
        models += found
        if missing and not quiet:
            what = f"left out, as not installed: {', '.join(missing)}; pip install 'denoise-img[peers]' has them"
            print(what, file=sys.stderr)
    terms = benchmark.Terms(
        sigma or SIGMAS,
        seed,
        blind,
        None if longest is None else 60 * longest,
        {"device": device, "precision": precision, "tile": tile},
    )
    with Console(stderr=True, quiet=quiet).status("") as status:
        rows = benchmark.bench(
            models,
            sets,
            terms,
            lambda name, at, number: status.update(f"{name}, {at}, picture {number + 1} of {sizes[at]}"),
        )
    if json:
        print(jsonlib.dumps([row.facts() for row in rows]))
    else:
        _table(rows)
    if plot is not None:
        from denoise_cli.measure.plot import plot as draw

        draw(rows, plot)
    _record(recorded, rows)


def _recorded(models: list[str], sets: list[TestSet], *, blind: bool) -> list[str]:
    """Those into whose weights files PSNR is to be written. Raises UsageError where that cannot be."""
    from denoise_cli.denoisers.catalogue import GRAY, shipped
    from denoise_cli.errors import UsageError
    from denoise_cli.measure.peers import networks
    from denoise_cli.measure.sets import read
    from denoise_cli.places.place import URL

    if blind:
        raise UsageError("--record writes the PSNR at the true noise level, which --blind does not tell")
    for model in filter(URL.match, models):
        raise UsageError(f"--record cannot write to {model}; copy it to this machine first")
    recorded = networks(models)
    if not recorded:
        raise UsageError("--record writes into weights files, which filters do not have; name a network with -m")
    for model in filter(lambda model: shipped(model + GRAY), recorded):
        for test_set in sets:
            if any(read(path, test_set.white).shape[2] == 1 for path in test_set.clean):
                raise UsageError(
                    f"{test_set.name} has gray pictures, for which {model} has other weights: {model}{GRAY}"
                )
    return recorded


def _record(models: list[str], rows: list[Row]) -> None:
    from denoise_cli.denoisers.catalogue import record_psnr

    for name in models:
        for test_set in dict.fromkeys(row.set for row in rows):
            mine = [row for row in rows if (row.model, row.set) == (name, test_set)]
            levels = {
                "real" if row.sigma is None else f"{row.sigma:g}": row.psnr for row in mine if row.psnr is not None
            }
            record_psnr(name, test_set, levels)


def _check_plot(plot: Path, overwrite: bool, pictures: list[Path]) -> None:
    """Before anything is measured. Raises UsageError for a file that must not be written, or cannot be."""
    from denoise_cli.batch.plan import check_free
    from denoise_cli.errors import UsageError
    from denoise_cli.measure.figure import new_figure
    from denoise_cli.places.place import identity

    new_figure(1, 1)  # which says so if there are none to be had
    if plot.suffix.lower() != ".png":
        raise UsageError(f"the plot is a PNG, so its name ends in .png, which {plot} does not")
    if identity(plot) in map(identity, pictures):
        raise UsageError(f"{plot} is one of the pictures to measure with; name another file for the plot")
    if not plot.parent.is_dir():
        raise UsageError(f"{plot} cannot be written; name a file in a folder that there is")
    check_free(plot, overwrite=overwrite)


def _table(rows: list[Row]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("set", "sigma", "model"):
        table.add_column(title, justify="right" if title == "sigma" else "left")
    for title in ("PSNR", "SSIM", "seconds", "MP/s", "share", "peak MB"):
        table.add_column(title, justify="right")
    if any(row.note for row in rows):
        table.add_column("")
    for row in rows:
        figures = (
            (row.psnr, ".2f"), (row.ssim, ".4f"), (row.seconds, ".3g"), (row.megapixels_per_second, ".3g"),
            (row.share, ".0%"), (row.peak_megabytes, ".0f"),
        )  # fmt: skip
        cells = ["" if figure is None else format(figure, how) for figure, how in figures]
        words = [escape(word) for word in (row.set, row.model, row.note)]
        table.add_row(words[0], "own" if row.sigma is None else f"{row.sigma:g}", words[1], *cells, words[2])
    Console(width=WIDE).print(table)
