"""The main job: `denoise-img IN... [-o OUT]`."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from denoise_cli import DEFAULT_MODEL, __version__
from denoise_cli.cli import options
from denoise_cli.cli.batch import report, run_batch
from denoise_cli.cli.main import COMMANDS

if TYPE_CHECKING:
    from denoise_cli.batch.picture import Settings
    from denoise_cli.places.place import Place

app = options.application()
STREAM = "-"
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
        typer.Argument(
            metavar="IN", help="Pictures, folders, lists of pictures (.txt, .csv, .parquet), or - for stdin."
        ),
    ],
    output: Annotated[
        Optional[str],
        typer.Option(
            "-o",
            "--output",
            metavar="OUT",
            help="For one picture a file or a folder, otherwise a folder, which gets the input folders' tree; - for "
            "stdout. Default: NAME.denoised.EXT beside each picture.",
        ),
    ] = None,
    model: options.Model = DEFAULT_MODEL,
    strength: Annotated[float, typer.Option(min=0, max=1, help="How much of the denoising is applied, 0 to 1.")] = 1.0,
    sigma: Annotated[
        Optional[float],
        typer.Option(min=0, max=255, help="The noise level, 0 to 255, for models that take it. Default: estimated."),
    ] = None,
    size: options.Size = None,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of JPEG and lossy WebP results.")] = 95,
    white: Annotated[
        Optional[float],
        typer.Option(help="The sample value that is white, if it is not the largest (float pictures: 1.0)."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Redo results that are there already.")] = False,
    in_place: Annotated[bool, typer.Option("--in-place", help="Replace the pictures by their results.")] = False,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    tile: options.Tile = "auto",
    engine: Annotated[
        str, typer.Option(metavar="local|ray", help="What computes: this process, or a Ray cluster.")
    ] = LOCAL,
    address: Annotated[
        Optional[str],
        typer.Option(
            metavar="auto|HOST:PORT", help="Of the cluster. Default: one of this machine alone, for this run."
        ),
    ] = None,
    workers: Annotated[
        Optional[int],
        typer.Option(
            min=1, help="Networks on the cluster. Default: one for each GPU, or else for each node's share of cores."
        ),
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Take the noise out of pictures.

    A result keeps its picture's size, format, depth, colours, transparency, EXIF and colour profile. Inputs are never
    touched without --in-place, and results that are there already are not made again without --overwrite. IN, OUT and
    weights files may be URLs of object stores, such as s3://bucket/pictures.
    """
    from denoise_cli.batch.plan import make_plan
    from denoise_cli.batch.wanted import Wanted
    from denoise_cli.denoisers.catalogue import card
    from denoise_cli.denoisers.denoiser import check_sigma
    from denoise_cli.errors import UsageError
    from denoise_cli.places.place import exists, is_folder, place

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

        if output is None or STREAM in (output, *inputs) or in_place:
            raise UsageError("--engine ray takes a folder for its results: name it with -o")
        code = run_on_ray(
            [place(name) for name in inputs],
            place(output),
            wanted.portable(),
            Cluster(address, workers),
            overwrite=overwrite,
            as_json=json,
            quiet=quiet,
            verbose=verbose,
        )
        raise typer.Exit(code)

    if STREAM in inputs or output == STREAM:
        if len(inputs) > 1 or in_place:
            raise UsageError("- stands for one picture, so it goes with no other input and not with --in-place")
        target = None if output in (None, STREAM) else place(str(output))
        if target is not None and is_folder(target):
            raise UsageError(f"{target} is a folder; name a file, as what comes in has no name")
        if target is not None and exists(target) and not overwrite:
            raise UsageError(f"{target} is there already; --overwrite replaces it")
        plan = None
    else:
        plan = make_plan(
            [place(name) for name in inputs],
            None if output is None else place(output),
            into_folder=output is not None and output.endswith("/"),
            in_place=in_place,
            overwrite=overwrite,
        )
        if not plan.jobs and not plan.unreadable:
            raise typer.Exit(report(plan, [], 0.0, as_json=json, quiet=quiet))
    with _nothing_collected():
        settings = wanted.settings()
    if plan is None:
        _stream(inputs[0], target, settings)
    else:
        hint = "stopped; the same command goes on where it ended"
        if in_place:
            hint = "stopped; some pictures are replaced already, and the same command would denoise those once more"
        elif overwrite:
            hint = "stopped; without --overwrite, the same command goes on where it ended"
        raise typer.Exit(run_batch(plan, settings, hint, as_json=json, quiet=quiet, verbose=verbose))


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


def _stream(name: str, target: Place | None, settings: Settings) -> None:
    """One picture from stdin (or a file) to stdout (target None) or a file."""
    import io

    from denoise_cli.batch.picture import denoise_stream
    from denoise_cli.errors import PictureError, UsageError
    from denoise_cli.images.formats import by_suffix
    from denoise_cli.places.place import place, reading, replacing

    if (name == STREAM and sys.stdin is None) or (target is None and sys.stdout is None):
        raise UsageError("- stands for standard input or output, and that is closed")
    result = io.BytesIO()
    try:
        with nullcontext(sys.stdin.buffer) if name == STREAM else reading(place(name)) as file:
            source = io.BytesIO(file.read())  # a pipe cannot be read back and forth
        denoise_stream(source, result, None if target is None else by_suffix(target), settings)
        if target is not None:
            with replacing(target) as file:
                file.write(result.getbuffer())
    except PictureError as error:
        raise PictureError(f"{'standard input' if name == STREAM else name} {error}") from error
    except OSError as error:
        raise PictureError(f"{error.filename or name} cannot be read or written ({error.strerror})") from error
    if target is None:
        sys.stdout.buffer.write(result.getbuffer())
        sys.stdout.buffer.flush()
