"""`denoise-img fit`: train a network."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from denoise_cli.cli import options

if TYPE_CHECKING:
    from denoise_cli.denoisers.card import Card
    from denoise_cli.fitting.findings import Wish
    from denoise_cli.fitting.job import Job
    from denoise_cli.fitting.loop import Status
    from denoise_cli.fitting.recipe import Recipe

SCRATCH = "scratch"
OPTION = re.compile(r"(--[a-z-]+=|-[a-z]+)?")  # what may stand before a path, in one word with it
app = options.application()


@app.command()
def fit(
    context: typer.Context,
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="The weights file to write.")],
    clean: Annotated[
        Optional[str], typer.Option(metavar="DIR", help="Clean photos to learn from; noise is added to them.")
    ] = None,
    pairs: Annotated[
        Optional[tuple[str, str]],
        typer.Option(metavar="NOISY CLEAN", help="Two folders: noisy pictures, and clean ones of the same names."),
    ] = None,
    noisy_only: Annotated[
        Optional[str], typer.Option(metavar="DIR", help="Noisy pictures to learn from, alone.")
    ] = None,
    model: Annotated[
        Optional[str],
        typer.Option(
            "-m",
            "--model",
            metavar="RECIPE",
            help="A recipe: unet (the default), photo, cnn, cae, dncnn, win5rb, win5rb-dilated or win5rb-widened. With "
            "--noisy-only the default is the network of --from.",
        ),
    ] = None,
    noise: Annotated[
        Optional[str],
        typer.Option(
            metavar="KINDS",
            help="The noise that is added to clean photos: gaussian:LOW-HIGH, camera (colour only), or several with +, "
            "such as gaussian:0-55+camera.",
        ),
    ] = None,
    start: Annotated[
        Optional[str],
        typer.Option(
            "--from",
            metavar="NAME|FILE|scratch",
            help="The network to start from. Default: photo for noisy pictures if there is no -m, otherwise scratch, "
            "which -m photo does not do.",
        ),
    ] = None,
    gray: Annotated[bool, typer.Option("--gray", help="Make a network for gray pictures.")] = False,
    method: Annotated[
        str,
        typer.Option(
            metavar="auto|n2n|neighbors|vst|profile",
            help="How to learn from noisy pictures: n2n, from frames of a scene; neighbors, within each picture; vst, "
            "only a curve around the network; profile, only how strongly it acts at which brightness.",
        ),
    ] = "auto",
    loss: Annotated[
        str, typer.Option(metavar="auto|l1|l2", help="What to minimise: absolute or squared errors.")
    ] = "auto",
    minutes: Annotated[
        Optional[float],
        options.number("NUMBER", 0.1, 1e6, help="How long to train on noisy pictures, instead of --steps."),
    ] = None,
    steps: Annotated[
        Optional[int],
        options.number("N", 1, help="How often the weights are updated."),
    ] = None,
    batch: Annotated[
        Optional[int],
        options.number("N", 1, help="How many patches there are in an update."),
    ] = None,
    patch: Annotated[
        Optional[int],
        options.number("PIXELS", 16, help="How large a patch is, in pixels a side."),
    ] = None,
    rate: Annotated[
        Optional[float],
        options.number("NUMBER", 0, 1e6, help="The learning rate at its highest."),
    ] = None,
    data: Annotated[
        str, typer.Option(metavar="TEXT", help="What the photos are, and their licence: a line for the card.")
    ] = "",
    seed: options.Seed = 0,
    white: options.White = None,
    device: options.Device = "auto",
    compile: options.Compile = False,
    keep_anyway: Annotated[
        bool, typer.Option("--keep-anyway", help="Write what was learnt from noisy pictures even if it does not help.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a weights file that is there already.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint of a training that was stopped.")
    ] = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Train a denoiser: on clean photos with synthetic noise, as the bundled ones were, on real pairs, or on noisy
    pictures alone.

    A checkpoint lies beside the output while the training runs. Stopped by Ctrl-C or otherwise, the same command goes
    on from it. On noisy pictures Ctrl-C keeps the best so far: it is written, and --resume goes on. There a page beside
    the weights (.html) tells what was found and how it went.
    """
    from denoise_cli.cli.console import TrainingProgress
    from denoise_cli.denoisers.catalogue import weights_file
    from denoise_cli.errors import UsageError
    from denoise_cli.fitting import distributed
    from denoise_cli.fitting.clean import fit_clean
    from denoise_cli.fitting.findings import Wish
    from denoise_cli.fitting.job import Job
    from denoise_cli.fitting.pairs import fit_pairs
    from denoise_cli.fitting.recipes import SUMMARIES
    from denoise_cli.places.place import local

    if sum(place is not None for place in (clean, pairs, noisy_only)) != 1:
        raise UsageError("name what to learn from, with one of --noisy-only, --pairs and --clean")
    if clean is None and noise is not None:
        raise UsageError("--noise goes with --clean; other pictures have noise of their own")
    if noisy_only is not None and compile:
        raise UsageError("--compile is for long trainings, with --clean or --pairs")
    if noisy_only is None and (method != "auto" or minutes is not None or keep_anyway):
        raise UsageError("--method, --minutes and --keep-anyway go with --noisy-only")
    if noisy_only is not None and gray and model is None:
        raise UsageError("--gray makes a network of its own: name its recipe with --model")
    result = local(output)
    page = result.with_suffix(".html") if noisy_only is not None else None
    checkpoint = _check_output(result, page, overwrite=overwrite, resume=resume)
    if start is None and noisy_only is not None:
        start = "photo" if model is None else SCRATCH
    origin = None if start is None or start == SCRATCH else weights_file(start)
    given: dict[str, Any] = {"noise": noise, "steps": steps, "batch": batch, "patch": patch, "learning_rate": rate}
    given["loss"] = None if loss == "auto" else loss
    given = {name: value for name, value in given.items() if value is not None}
    wish = Wish(method, loss, minutes, keep_anyway, frozenset(given))
    chosen = _recipe(model, origin, noisy=noisy_only is not None, gray=gray, seed=seed, given=given)
    distributed.join()
    first = distributed.first()
    quiet = quiet or not first
    job = Job(
        result,
        start=origin,
        device=device,
        checkpoint=checkpoint,
        summary=SUMMARIES.get(model or "unet", "") if clean is not None and noise is None else "",
        training=data,
        command=_command(
            context.obj["typed"], [path for path in (output, clean, noisy_only, start, *(pairs or ())) if path]
        ),
        compile=compile,
        white=white,
    )
    stopped = False
    try:
        with TrainingProgress(hidden=quiet) as bar:
            if checkpoint.exists():
                bar.say(f"going on from {checkpoint}")
            job = replace(job, report=lambda status: bar.say(str(status)), tick=bar.tick)
            if noisy_only is not None:
                card, stopped = _noisy_only(local(noisy_only), chosen, job, wish, bar.say)
            elif pairs is not None:
                card = fit_pairs(local(pairs[0]), local(pairs[1]), chosen, job)
            elif clean is not None:
                card = fit_clean(local(clean), chosen, job)
    except KeyboardInterrupt:
        if checkpoint.exists():
            print(f"stopped; the same command goes on from {checkpoint}", file=sys.stderr)
        raise
    distributed.leave()
    if not first:
        return
    print(result)
    if stopped:
        print(f"stopped; this is the best so far, and --resume goes on from {checkpoint}", file=sys.stderr)
        raise KeyboardInterrupt
    checkpoint.unlink(missing_ok=True)
    if not quiet:
        print(
            f"{card.parameters / 1e6:.2f} M parameters, {card.macs_per_pixel / 1e6:.2f} M multiply-adds a pixel",
            file=sys.stderr,
        )
        if white is not None:
            print(f"denoise with --white {white:g} too, as it was learnt", file=sys.stderr)


def _check_output(output: Path, page: Path | None, *, overwrite: bool, resume: bool) -> Path:
    """Before anything is learnt; gives the checkpoint's place. Raises UsageError where a result cannot go."""
    from denoise_cli.batch.plan import check_free
    from denoise_cli.denoisers.catalogue import SUFFIX
    from denoise_cli.errors import UsageError

    if output.suffix != SUFFIX:
        raise UsageError(f"-o {output}: a weights file's name ends in {SUFFIX}")
    checkpoint = output.with_suffix(".checkpoint")
    if resume and not checkpoint.exists():
        raise UsageError(f"there is no {checkpoint} to go on from")
    for file in (output, page):
        if file is not None:
            check_free(file, overwrite=overwrite or resume)
    there = next(folder for folder in output.absolute().parents if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise UsageError(f"-o {output}: {there} cannot be written to")
    return checkpoint


def _noisy_only(folder: Path, recipe: Recipe, job: Job, wish: Wish, show: Callable[[str], None]) -> tuple[Card, bool]:
    """Says what is found and how it went, here and in a page beside the weights; and whether Ctrl-C ended it."""
    from denoise_cli.fitting import distributed
    from denoise_cli.fitting.job import last_name
    from denoise_cli.fitting.noisy_only import fit_noisy_only
    from denoise_cli.fitting.report import Report, write_report

    said: list[str] = []
    curve: list[tuple[int, float]] = []

    def say(line: str) -> None:
        said.append(line)
        show(line)

    def report(status: Status) -> None:
        curve.append((status.step, status.held_out_psnr))
        job.report(status)

    card, outcome = fit_noisy_only(folder, recipe, replace(job, report=report), wish, tell=say)
    for name, psnr in outcome.tried:
        show(f"{psnr:6.2f} dB  {name}{', written' if name == outcome.chosen else ''}")
    for line in outcome.lines:
        say(line)
    if distributed.first():
        page = job.output.with_suffix(".html")
        title = f"{job.output.name}, learnt from {last_name(folder)}"
        write_report(page, Report(title, tuple(said), outcome.tried, outcome.chosen, tuple(curve), outcome.examples))
        show(f"the account with pictures is in {page}")
    return card, outcome.stopped


def _recipe(
    model: str | None, origin: Path | None, *, noisy: bool, gray: bool, seed: int, given: dict[str, Any]
) -> Recipe:
    """The recipe of a name, or, to learn from noisy pictures, that for the network to start from."""
    from denoise_cli.denoisers.weights import read_card
    from denoise_cli.errors import UsageError
    from denoise_cli.fitting.recipes import NEED_A_START, noisy_recipe, recipe

    if noisy and model is None and origin is not None:
        chosen = noisy_recipe(read_card(origin))
        return replace(chosen, seed=seed, **given)
    chosen = recipe(model or "unet")
    if model in NEED_A_START and origin is None:
        raise UsageError(f"{model} goes on from a network that is trained already: name its weights file with --from")
    return replace(chosen, arguments={**chosen.arguments, "channels": 1 if gray else 3}, seed=seed, **given)


def _command(typed: Sequence[str], paths: Sequence[str]) -> str:
    """What was typed, paths by their last name: a card is no place for one machine's folders."""
    return shlex.join(["denoise-img", *(_without_folder(word, paths) for word in typed)])


def _without_folder(word: str, paths: Sequence[str]) -> str:
    from denoise_cli.fitting.job import last_name

    for path in paths:
        option = word[: len(word) - len(path)]
        if word == option + path and OPTION.fullmatch(option):
            return option + last_name(path)
    return word
