"""The main job on a cluster: tells what became of it, and writes a report beside the output."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable

from denoise_cli.batch.cluster import Cluster, Left, Noted, Told, check, denoise_on_ray, listing_of, texts_of
from denoise_cli.batch.many import Outcome
from denoise_cli.batch.plan import Job, Results
from denoise_cli.batch.report import Report
from denoise_cli.batch.wanted import Wanted
from denoise_cli.cli.batch import Summary, facts_of, line_of, stopped_hint
from denoise_cli.cli.console import BatchProgress
from denoise_cli.places.place import Place

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
    """Gives the exit code. The report gets a line of JSON for each picture, and for each folder and each row of a list
    that cannot be read, also when the run is stopped.
    """
    check(wanted)
    listing = listing_of(inputs, output, overwrite=overwrite)
    told, started, stopped = Told(), time.monotonic(), None
    good = failed = 0
    megapixels = 0.0
    report = Report(output, anew=overwrite)
    with BatchProgress(None, hidden=quiet) as bar:

        def failure(source: object, reason: str) -> None:
            bar.say(f"denoise-img: {source} {reason}")
            report.note({"source": str(source), "reason": reason})

        def done(outcome: Outcome) -> None:
            nonlocal good, failed, megapixels
            bar.finished(outcome.job, outcome.megapixels)
            if outcome.failure is not None:
                failed += 1
                failure(outcome.job.source, outcome.failure)
                return
            good, megapixels = good + 1, megapixels + outcome.megapixels
            report.note({**facts_of(outcome), "seconds": round(outcome.seconds, 3)})
            if verbose:
                bar.say(line_of(outcome, verbose=True))

        try:
            for outcome in denoise_on_ray(listing, wanted, cluster, told):
                done(outcome)
            lost: list[Job] = []
            if told.listed is None or told.listed > good + failed + told.there_already:
                # Groups were given up: what they left is done one by one.
                passed = Noted()
                if left := _without_outcome(listing.jobs(passed), report, overwrite):
                    alone = Left(tuple(map(texts_of, left)))
                    for outcome in denoise_on_ray(alone, wanted, cluster, Told()):
                        done(outcome)
                    lost = _without_outcome(left, report, overwrite)
                told.others, told.unreadable, told.wrong = passed.others, tuple(passed.unreadable), tuple(passed.wrong)
            without = [(str(folder), f"cannot be read ({why})") for folder, why in told.unreadable]
            without += told.wrong
            without += [(str(job.source), LOST) for job in lost]
            for source, reason in without:
                failed += 1
                failure(source, reason)
        except BaseException as error:  # raised again when all is told
            stopped = error
        if isinstance(stopped, KeyboardInterrupt):
            bar.say(stopped_hint(overwrite=overwrite))
    where, unsaved = report.closed()
    if unsaved is not None:
        print(f"denoise-img: {unsaved}", file=sys.stderr)
    if stopped is not None and not good and not failed:
        raise stopped
    summary = Summary(good, megapixels, time.monotonic() - started, failed, told.there_already, told.others)
    if as_json:
        print(json.dumps({**summary.counts(), "report": None if where is None else str(where)}))
    elif not quiet:
        told_by = "" if where is None else f"; {where} names what this run did"
        print(f"{summary}{told_by}", file=sys.stderr)
    if stopped is not None:
        raise stopped
    return 1 if failed or unsaved is not None else 0


def _without_outcome(jobs: Iterable[Job], report: Report, overwrite: bool) -> list[Job]:
    """Those of which this run has not told and that have no result."""
    reported, results = report.sources(), Results()
    return [job for job in jobs if str(job.source) not in reported and (overwrite or not results.has(job.target))]
