"""`denoise-img noise IN... -o OUT`: add noise to pictures."""

from __future__ import annotations

from typing import Annotated

import typer

from denoise_cli.cli import options
from denoise_cli.cli.batch import run_batch, stopped_hint
from denoise_cli.cli.stream import STREAM, run_stream, stream_ends

app = options.application()
WHAT = "made noisy"


@app.command()
def noise(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="IN", hidden=True),
    ],
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT",
            help="For one picture a file or a folder, otherwise a folder; - for stdout.",
        ),
    ],
    kind: Annotated[
        str,
        typer.Option(
            metavar="KIND:LEVEL",
            help="The noise: gaussian:25 (standard deviation, 0 to 255), poisson:25 and speckle:25 (that of white, "
            "less where it is darker), salt-pepper:5 (per cent of the pixels), camera (a random camera's JPEG); "
            "LOW-HIGH draws a level for each picture.",
        ),
    ] = "gaussian:25",
    seed: options.Seed = 0,
    quality: options.Quality = 95,
    white: options.White = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Redo results that are there already.")] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Add noise to pictures, to try denoisers on.

    IN: pictures, folders, patterns in quotes, lists of pictures (.txt, .csv, .parquet), or - for one picture from
    stdin.

    The noise follows from the seed and the picture itself, so that it is the same in every run. Nothing clips it but
    the result's format (a float TIFF holds all of it, 8 bits what is between black and white) and the camera of
    `camera`, whose pictures are between these.
    """
    from denoise_cli.batch.picture import Settings
    from denoise_cli.batch.plan import make_plan, places
    from denoise_cli.denoisers.noiser import Noiser
    from denoise_cli.images.codec import SaveOptions
    from denoise_cli.noise.spec import NoiseRange
    from denoise_cli.places.place import place

    settings = Settings(Noiser(NoiseRange.parse(kind), seed), white=white, save=SaveOptions(quality))
    told = {"as_json": json, "quiet": quiet, "verbose": verbose}
    if STREAM in inputs or output == STREAM:
        source, target = stream_ends(inputs, output, overwrite=overwrite, as_json=json)
        raise typer.Exit(run_stream(source, target, lambda: settings, **told, what=WHAT))
    plan = make_plan(places(inputs), place(output), into_folder=output.endswith("/"), overwrite=overwrite)
    raise typer.Exit(run_batch(plan, lambda: settings, stopped_hint(overwrite=overwrite), **told, what=WHAT))
