"""The main job on a cluster: tells what became of it, and writes a report beside the output."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from denoise_cli.batch.cluster import Cluster, Left, Told, denoise_on_ray, listing_of
from denoise_cli.batch.many import Outcome
from denoise_cli.batch.plan import Job, Passed, Results
from denoise_cli.batch.wanted import Wanted
from denoise_cli.cli.batch import summary
from denoise_cli.cli.console import BatchProgress
from denoise_cli.places.place import Place, replacing

REPORT = ".report.jsonl"
LOST = "cost its worker's life again and again, perhaps for want of memory"


def run_on_ray(
    inputs: list[Place],
    output: Place,
    wanted: Wanted,
    cluster: Cluster,
    *,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Gives the exit code. The report has a line of JSON for each picture and for each folder that cannot be read, and
    is written when the run is stopped as well.
    """
    listing = listing_of(inputs, output, overwrite=overwrite)
    told, started, stopped = Told(), time.monotonic(), None
    good = failed = 0
    megapixels = 0.0
    report = _beside(output)
    with BatchProgress(None, hidden=quiet) as bar, replacing(report) as file:

        def failure(source: object, reason: str) -> None:
            bar.say(f"denoise-img: {source} {reason}")
            _note(file, {"source": str(source), "reason": reason})

        def done(outcome: Outcome) -> None:
            nonlocal good, failed, megapixels
            bar.finished(outcome.job, outcome.megapixels)
            if outcome.failure is not None:
                failed += 1
                failure(outcome.job.source, outcome.failure)
                return
            good, megapixels = good + 1, megapixels + outcome.megapixels
            _note(file, _facts(outcome))
            if verbose:
                bar.say(f"{outcome.job.source} -> {outcome.job.target}")

        try:
            for outcome in denoise_on_ray(listing, wanted, cluster, told):
                done(outcome)
            lost: list[Job] = []
            if told.listed is None or told.listed > good + failed + told.there_already:
                # Groups were given up: what they left is done one by one.
                passed = Passed()
                if left := _without_outcome(listing.jobs(passed), file, overwrite):
                    alone = Left(tuple((str(job.source), str(job.target)) for job in left))
                    for outcome in denoise_on_ray(alone, wanted, cluster, Told()):
                        done(outcome)
                    lost = _without_outcome(left, file, overwrite)
                told.others, told.unreadable = passed.others, tuple(passed.unreadable)
            without = [(str(folder), f"cannot be read ({why})") for folder, why in told.unreadable]
            without += [(str(job.source), LOST) for job in lost]
            for source, reason in without:
                failed += 1
                failure(source, reason)
        except BaseException as error:  # raised again when the report is written, if there is anything in it
            if not good and not failed:
                raise
            stopped = error
    seconds = time.monotonic() - started
    if as_json:
        counts = {"denoised": good, "failed": failed, "there_already": told.there_already}
        print(json.dumps({**counts, "other_files": told.others, "seconds": round(seconds, 3), "report": str(report)}))
    elif not quiet:
        line = summary(good, megapixels, seconds, failed, told.there_already, told.others)
        print(f"{line}; {report} has a line for each", file=sys.stderr)
    if stopped is not None:
        raise stopped
    return 1 if failed else 0


def _beside(output: Place) -> Place:
    """The report's place."""
    folder = output.resolve() if isinstance(output, Path) else output
    return folder.with_name(folder.name + REPORT) if folder.name else folder / f"denoise-img{REPORT}"


def _without_outcome(jobs: Iterable[Job], file: BinaryIO, overwrite: bool) -> list[Job]:
    """Those that the report lacks and that have no result."""
    file.seek(0)
    reported = {json.loads(line)["source"] for line in file}
    results = Results()
    return [job for job in jobs if str(job.source) not in reported and (overwrite or not results.has(job.target))]


def _note(file: BinaryIO, facts: dict[str, Any]) -> None:
    file.write(json.dumps(facts).encode() + b"\n")


def _facts(outcome: Outcome) -> dict[str, Any]:
    size = {"megapixels": round(outcome.megapixels, 6), "seconds": round(outcome.seconds, 3)}
    return {"source": str(outcome.job.source), "result": str(outcome.job.target), **size}
