"""One picture through a pipe: read from standard input, or written to standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, BinaryIO

from denoise_cli.cli.batch import DENOISED, line_of, report

if TYPE_CHECKING:
    from denoise_cli.batch.many import Outcome
    from denoise_cli.batch.picture import Settings
    from denoise_cli.batch.plan import Job
    from denoise_cli.places.place import Place

STREAM = "-"  # what stands for either


def stream_ends(
    inputs: Sequence[str], output: str | None, *, overwrite: bool, as_json: bool
) -> tuple[str, Place | None]:
    """The one picture, which a pattern may stand for, and where its result goes, before anything is loaded; None: to
    standard output.

    Raises UsageError where - cannot be meant.
    """
    from denoise_cli.batch.plan import check_free, places
    from denoise_cli.errors import UsageError
    from denoise_cli.images.formats import by_suffix
    from denoise_cli.places.place import URL, is_folder, place

    plain = [[name] if name == STREAM or URL.match(name) else map(str, places([name])) for name in inputs]
    inputs = [name for names in plain for name in names]
    if len(inputs) > 1:
        raise UsageError("- stands for one picture, so it goes with no other input")
    if inputs[0] != STREAM and is_folder(place(inputs[0])):
        raise UsageError(f"- stands for one picture, and {inputs[0]} is a folder; name one for the results with -o")
    name = None if output == STREAM else output
    if (inputs[0] == STREAM and sys.stdin is None) or (name is None and sys.stdout is None):
        raise UsageError("- stands for standard input or output, and that is closed")
    if name is None:
        if as_json:
            raise UsageError("--json and the picture both want stdout; name a file for the picture with -o")
        return inputs[0], None
    target = place(name)
    if name.endswith("/"):
        raise UsageError(f"{name} is a folder; name a file")
    check_free(target, overwrite=overwrite)
    by_suffix(target)
    return inputs[0], target


def run_stream(
    source: str,
    target: Place | None,
    load: Callable[[], Settings],
    *,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    what: str = DENOISED,
) -> int:
    """Denoises standard input or a file, by what `load` gives, to where `stream_ends` says. Gives the exit code."""
    import io
    import time
    from pathlib import Path

    from denoise_cli.batch.many import none_there
    from denoise_cli.batch.plan import Job, Plan
    from denoise_cli.places.place import place

    job, result = Job(place(source), Path(STREAM) if target is None else target), io.BytesIO()
    outcomes = [] if source == STREAM else none_there([job])
    started = time.monotonic()
    if not outcomes:
        settings = load()
        started = time.monotonic()
        outcomes = [_outcome(job, settings, stdin=source == STREAM, stdout=result if target is None else None)]
    (outcome,) = outcomes
    if line := line_of(outcome, verbose=verbose, name="standard input" if source == STREAM else source):
        print(line, file=sys.stderr)
    if target is not None:
        return report(Plan((job,)), outcomes, time.monotonic() - started, as_json=as_json, quiet=quiet, what=what)
    if outcome.failure is None:
        sys.stdout.buffer.write(result.getbuffer())
        sys.stdout.buffer.flush()
    return 0 if outcome.failure is None else 1


def _outcome(job: Job, settings: Settings, *, stdin: bool, stdout: BinaryIO | None) -> Outcome:
    """`stdin`: its source is that. `stdout`: what takes the place of its target, where there is none."""
    import io

    from denoise_cli.batch.many import Outcome, failed
    from denoise_cli.batch.picture import denoise_stream
    from denoise_cli.images.formats import by_suffix
    from denoise_cli.places.place import reading, replacing

    try:
        with nullcontext(sys.stdin.buffer) if stdin else reading(job.source) as file:
            whole = io.BytesIO(file.read())  # a pipe cannot be read back and forth
    except OSError as error:
        return Outcome(job, failure=f"cannot be read ({error.strerror or error})")
    try:
        with nullcontext(stdout) if stdout is not None else replacing(job.target) as file:
            codec = None if stdout is not None else by_suffix(job.target)
            denoised = denoise_stream(whole, file, codec, settings)
        return Outcome(job, denoised.megapixels, sigma=denoised.sigma)
    except OSError as error:
        why = error.strerror or error
        return Outcome(job, failure=f"has no place for its result: {job.target} cannot be written ({why})")
    except Exception as error:
        return failed(job, error, settings)
