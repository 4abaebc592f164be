"""`denoise-img mnist`: the article's experiment on handwritten digits, rerun."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from denoise_cli.cli import options

app = options.application()


@app.command()
def mnist(
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            metavar="DIR",
            help="Where weights, tables and pictures go; networks that are there already are not trained again.",
        ),
    ] = "mnist",
    data: Annotated[
        Optional[str],
        typer.Option(metavar="DIR", help="Where the idx files of MNIST are. Default: they are downloaded once."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A small network and fewer digits: two minutes instead of hours.")
    ] = False,
    compile: options.Compile = False,
    device: options.Device = "auto",
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Train CNN, CAE, DnCNN and Win5-RB on noisy handwritten digits, with clean targets and noisy ones (Noise2Noise).

    Prints the tables, which are written to DIR as well, with pictures and weights. Stopped, the same command goes on.
    """
    from denoise_cli.cli.console import TrainingProgress
    from denoise_cli.measure.figure import new_figure
    from denoise_cli.mnist.account import account
    from denoise_cli.mnist.data import digits
    from denoise_cli.mnist.experiment import run
    from denoise_cli.mnist.trials import FULL, QUICK
    from denoise_cli.places.place import local

    new_figure(1, 1)  # says so now, and not after hours, if there are none to be had
    folder = local(output)
    plan, pictures = QUICK if quick else FULL, digits(None if data is None else local(data))
    with TrainingProgress(hidden=quiet) as bar:
        errors = run(plan, pictures, folder, device=device, compile=compile, tell=bar.say, tick=bar.tick)
    print(account(plan, errors, pictures, folder), end="")
