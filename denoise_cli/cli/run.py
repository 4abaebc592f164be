"""The main job: `denoise-img IN... [-o OUT]`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from denoise_cli import DEFAULT_MODEL, __version__
from denoise_cli.cli import options
from denoise_cli.cli.batch import report, run_batch
from denoise_cli.cli.main import COMMANDS

if TYPE_CHECKING:
    from denoise_cli.batch.picture import Settings

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
STREAM = "-"
EPILOG = "Other commands, each with its own --help:\n\n" + "\n\n".join(
    f"[bold]denoise-img {name}[/bold]  {line}" for name, line in COMMANDS.items()
)


def _version(asked: bool) -> None:
    if asked:
        print(f"denoise-img {__version__}")
        raise typer.Exit


@app.command(epilog=EPILOG)
def run(
    inputs: Annotated[
        list[str], typer.Argument(metavar="IN...", help="Pictures, folders of pictures, or - for stdin.")
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
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Take the noise out of pictures.

    A result keeps its picture's size, format, depth, colours, transparency, EXIF and colour profile. Inputs are never
    touched without --in-place, and results that are there already are not made again without --overwrite.
    """
    from denoise_cli.batch.picture import Settings
    from denoise_cli.batch.plan import make_plan
    from denoise_cli.denoisers.catalogue import card, load
    from denoise_cli.denoisers.denoiser import check_sigma
    from denoise_cli.errors import UsageError
    from denoise_cli.images.codec import SaveOptions

    check_sigma(card(model), sigma)  # before torch is loaded

    if STREAM in inputs or output == STREAM:
        if len(inputs) > 1 or in_place:
            raise UsageError("- stands for one picture, so it goes with no other input and not with --in-place")
        target = None if output in (None, STREAM) else Path(str(output))
        if target is not None and target.exists() and not overwrite:
            raise UsageError(f"{target} is there already; --overwrite replaces it")
        plan = None
    else:
        plan = make_plan(
            [Path(name) for name in inputs],
            None if output is None else Path(output),
            into_folder=output is not None and output.endswith("/"),
            in_place=in_place,
            overwrite=overwrite,
        )
        if not plan.jobs and not plan.unreadable:
            raise typer.Exit(report(plan, [], 0.0, as_json=json, quiet=quiet))
    denoiser = load(model, size=size, device=device, precision=precision, tile=tile)
    settings = Settings(denoiser, strength, sigma, white, SaveOptions(quality))
    if plan is None:
        _stream(inputs[0], target, settings)
    else:
        hint = "stopped; the same command goes on where it ended"
        if in_place:
            hint = "stopped; some pictures are replaced already, and the same command would denoise those once more"
        elif overwrite:
            hint = "stopped; without --overwrite, the same command goes on where it ended"
        raise typer.Exit(run_batch(plan, settings, hint, as_json=json, quiet=quiet, verbose=verbose))


def _stream(name: str, target: Path | None, settings: Settings) -> None:
    """One picture from stdin (or a file) to stdout (target None) or a file."""
    import io

    from denoise_cli.batch.picture import denoise_stream
    from denoise_cli.errors import PictureError
    from denoise_cli.images.files import replacing
    from denoise_cli.images.formats import by_suffix

    result = io.BytesIO()
    try:
        data = sys.stdin.buffer.read() if name == STREAM else Path(name).read_bytes()
        denoise_stream(io.BytesIO(data), result, None if target is None else by_suffix(target), settings)
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
