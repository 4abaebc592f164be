"""The main job on a cluster: tells what became of it, and writes a report beside the output."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from denoise_cli.batch.cluster import Cluster, Wanted, denoise_on_ray
from denoise_cli.batch.many import Outcome
from denoise_cli.batch.plan import Passed, check_folders
from denoise_cli.cli.batch import summary
from denoise_cli.cli.console import BatchProgress
from denoise_cli.places.place import Place, replacing

REPORT = ".report.jsonl"


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
    """Gives the exit code. The report has a line of JSON for each picture and for each folder that cannot be read."""
    check_folders(inputs, output)
    passed, started = Passed(), time.monotonic()
    good = failed = 0
    megapixels = 0.0
    report = output.with_name(output.name + REPORT) if output.name else output / f"denoise-img{REPORT}"
    with BatchProgress(None, hidden=quiet) as bar, replacing(report) as file:

        def note(facts: dict[str, Any]) -> None:
            file.write(json.dumps(facts).encode() + b"\n")

        for outcome in denoise_on_ray(inputs, output, wanted, cluster, passed, overwrite=overwrite):
            bar.finished(outcome.job, outcome.megapixels)
            note(_facts(outcome))
            if outcome.failure is None:
                good, megapixels = good + 1, megapixels + outcome.megapixels
                if verbose:
                    bar.say(f"{outcome.job.source} -> {outcome.job.target}")
            else:
                failed += 1
                bar.say(f"denoise-img: {outcome.job.source} {outcome.failure}")
        for folder, why in passed.unreadable:
            failed += 1
            bar.say(f"denoise-img: {folder} cannot be read ({why})")
            note({"source": str(folder), "reason": f"cannot be read ({why})"})
    seconds = time.monotonic() - started
    if as_json:
        counts = {"denoised": good, "failed": failed, "there_already": passed.there_already}
        print(json.dumps({**counts, "other_files": passed.others, "seconds": round(seconds, 3), "report": str(report)}))
    elif not quiet:
        line = summary(good, megapixels, seconds, failed, passed.there_already, passed.others)
        print(f"{line}; {report} has a line for each", file=sys.stderr)
    return 1 if failed else 0


def _facts(outcome: Outcome) -> dict[str, Any]:
    source = {"source": str(outcome.job.source)}
    if outcome.failure is not None:
        return {**source, "reason": outcome.failure}
    size = {"megapixels": round(outcome.megapixels, 6), "seconds": round(outcome.seconds, 3)}
    return {**source, "result": str(outcome.job.target), **size}
