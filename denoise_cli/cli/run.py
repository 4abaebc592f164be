"""The main job: `denoise-img IN... [-o OUT]`."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from denoise_cli import DEFAULT_MODEL, __version__
from denoise_cli.cli import options
from denoise_cli.cli.batch import run_batch, stopped_hint
from denoise_cli.cli.main import COMMANDS
from denoise_cli.cli.stream import STREAM, run_stream, stream_ends

if TYPE_CHECKING:
    from denoise_cli.batch.picture import Settings

app = options.application()
LOCAL, RAY = "local", "ray"
EPILOG = "\b\nOther commands, each with its own --help:\n" + "\n".join(
    f"  denoise-img {name:6}  {line}" for name, line in COMMANDS.items()
)


def _version(asked: bool) -> None:
    if asked:
        print(f"denoise-img {__version__}")
        raise typer.Exit


@app.command(epilog=EPILOG)
def run(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="IN", hidden=True),
    ],
    output: Annotated[
        Optional[str],
        typer.Option(
            "-o",
            "--output",
            metavar="OUT",
            help="For one picture a file or a folder, otherwise a folder, which gets the input folders' tree; a name "
            "that ends in / is a folder; - for stdout. Default: NAME.denoised.EXT beside each picture.",
        ),
    ] = None,
    model: options.Model = DEFAULT_MODEL,
    strength: Annotated[
        float,
        options.number(
            "0..1",
            0,
            1,
            help="How much of the denoising is applied, from none to all: a share of the noise level for models that "
            "take it; the results of others are mixed with the picture.",
        ),
    ] = 1.0,
    sigma: Annotated[
        Optional[float],
        options.number(
            "0..255",
            0,
            255,
            help="The noise level, for models that take it. Default: estimated.",
        ),
    ] = None,
    size: options.Size = None,
    quality: options.Quality = 95,
    white: options.White = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Redo results that are there already.")] = False,
    in_place: Annotated[
        bool,
        typer.Option(
            "--in-place",
            help="Replace the pictures by their results. In a folder, links that lead out of it are left alone.",
        ),
    ] = False,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    tile: options.Tile = "auto",
    engine: Annotated[
        str, typer.Option(metavar="local|ray", help="What computes: this process, or a Ray cluster.")
    ] = LOCAL,
    address: Annotated[
        Optional[str],
        typer.Option(
            metavar="auto|HOST:PORT",
            help="Where the cluster is; auto: the one that this machine belongs to. Default: one of this machine "
            "alone, for this run.",
        ),
    ] = None,
    workers: Annotated[
        Optional[int],
        options.number(
            "N",
            1,
            help="How many networks there are on the cluster. Default: one for each GPU, or else for each node's "
            "share of cores.",
        ),
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the noise out of pictures.

    IN: pictures, folders, patterns in quotes, lists of pictures (.txt, .csv, .parquet), or - for one picture from
    stdin. In folders, hidden files and folders and links to folders are passed over; of several folders, each has one
    of its name below OUT.

    A result keeps its picture's size, format, depth, colours, transparency, EXIF and colour profile. Inputs are never
    touched without --in-place, and results that are there already are not made again without --overwrite. IN, OUT and
    weights files may be URLs of object stores, such as s3://bucket/pictures.
    """
    from denoise_cli.batch.plan import make_plan, places
    from denoise_cli.batch.wanted import Wanted
    from denoise_cli.denoisers.catalogue import card
    from denoise_cli.denoisers.denoiser import check_sigma
    from denoise_cli.errors import UsageError
    from denoise_cli.places.place import place

    _check_command(inputs[0])
    check_sigma(card(model), sigma)  # before torch is loaded
    if engine not in (LOCAL, RAY):
        raise UsageError(f"no engine {engine!r}; there are {LOCAL} and {RAY}")
    if engine == LOCAL and (address is not None or workers is not None):
        raise UsageError("--address and --workers are for --engine ray")
    wanted = Wanted(
        model,
        size=size,
        device=device,
        precision=precision,
        tile=tile,
        strength=strength,
        sigma=sigma,
        white=white,
        quality=quality,
    )
    if engine == RAY:
        from denoise_cli.batch.cluster import Cluster
        from denoise_cli.cli.cluster import run_on_ray

        if in_place:
            raise UsageError("--engine ray replaces no pictures; leave out --in-place and name a folder with -o")
        if STREAM in inputs:
            raise UsageError("--engine ray reads no picture from stdin; name folders or pictures in place of -")
        if output is None or output == STREAM:
            raise UsageError("--engine ray takes a folder for its results: name it with -o")
        code = run_on_ray(
            places(inputs),
            place(output),
            wanted.portable(),
            Cluster(address, workers),
            overwrite=overwrite,
            as_json=json,
            quiet=quiet,
            verbose=verbose,
        )
        raise typer.Exit(code)

    def load() -> Settings:
        from denoise_cli.cli.console import waiting

        with waiting(f"loading {model}…", hidden=quiet), _nothing_collected():
            return wanted.settings()

    if STREAM in inputs or output == STREAM:
        if in_place:
            raise UsageError("--in-place replaces files, and - is none")
        source, target = stream_ends(inputs, output, overwrite=overwrite, as_json=json)
        raise typer.Exit(run_stream(source, target, load, as_json=json, quiet=quiet, verbose=verbose))
    plan = make_plan(
        places(inputs),
        None if output is None else place(output),
        into_folder=output is not None and output.endswith("/"),
        in_place=in_place,
        overwrite=overwrite,
    )
    hint = stopped_hint(overwrite=overwrite)
    if in_place:
        hint = "stopped; some pictures are replaced already, and the same command would denoise those once more"
    raise typer.Exit(run_batch(plan, load, hint, as_json=json, quiet=quiet, verbose=verbose))


def _check_command(word: str) -> None:
    """Raises UsageError for a first word that is no file, but nearly a command, or one behind options."""
    from pathlib import Path

    from denoise_cli.errors import UsageError
    from denoise_cli.places.place import exists, place

    if word != Path(word).name or Path(word).suffix or exists(place(word)):
        return
    import difflib

    if near := difflib.get_close_matches(word, [*COMMANDS, "--help"], n=1):
        raise UsageError(f"there is no file {word}; did you mean denoise-img {near[0]}?")


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """For what stays until the end, as torch does: looking for garbage in it takes a third of the time to load it, and
    at the exit once more.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
