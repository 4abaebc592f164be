"""Runs what is planned, and tells what became of it."""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from denoise_cli.batch.many import Outcome
    from denoise_cli.batch.picture import Settings
    from denoise_cli.batch.plan import Plan

DENOISED = "denoised"  # what was done to the pictures, unless another word is given


@dataclass(frozen=True)
class Summary:
    """How many pictures became what. `left`: those that a run which was stopped did not reach."""

    good: int
    megapixels: float
    seconds: float
    failed: int = 0
    there_already: int = 0
    others: int = 0
    left: int = 0
    what: str = DENOISED

    def __str__(self) -> str:
        size = ""
        if self.megapixels and self.seconds:
            size = f" ({_figure(self.megapixels)} MP, {_figure(self.megapixels / self.seconds)} MP/s)"
        parts = [f"{self.good} {self.what}{size}"]
        if self.there_already:
            parts.append(f"{self.there_already} there already (--overwrite redoes them)")
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.left:
            parts.append(f"{self.left} not reached")
        if self.others:
            parts.append(f"{self.others} other file{'s' * (self.others != 1)} left alone")
        return ", ".join(parts)

    def counts(self) -> dict[str, Any]:
        """For JSON."""
        return {
            self.what.replace(" ", "_"): self.good,
            "failed": self.failed,
            "there_already": self.there_already,
            "other_files": self.others,
            "seconds": round(self.seconds, 3),
        }


def stopped_hint(*, overwrite: bool) -> str:
    """What Ctrl-C leaves, in a run that begins anew with `overwrite`."""
    return f"stopped; {'without --overwrite, ' if overwrite else ''}the same command goes on where it ended"


def run_batch(
    plan: Plan,
    load: Callable[[], Settings],
    hint: str,
    *,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    what: str = DENOISED,
) -> int:
    """Denoises what is planned by what `load` gives; gives the exit code. `hint`: printed when Ctrl-C stops the run."""
    import time

    from denoise_cli.batch.many import InTurn, denoise_all, none_there
    from denoise_cli.cli.console import BatchProgress

    for folder, reason in plan.unreadable:
        print(f"denoise-img: {folder} cannot be read ({reason})", file=sys.stderr)
    outcomes = none_there(plan.jobs)
    for outcome in outcomes:
        print(line_of(outcome, verbose=verbose), file=sys.stderr)
    if len(outcomes) == len(plan.jobs):
        return report(plan, outcomes, 0.0, as_json=as_json, quiet=quiet, what=what)
    around = InTurn()
    settings = around.run(load)
    started = time.monotonic()
    with BatchProgress(len(plan.jobs), hidden=quiet) as bar:
        waiting, lines = deque(plan.jobs), {}  # what is told is told in the plan's order, as soon as it can be

        def done(outcome: Outcome) -> None:
            outcomes.append(replace(outcome, bug=None))  # whose traceback would keep the picture
            bar.finished(outcome.job, outcome.megapixels)
            lines[outcome.job] = line_of(outcome, verbose=verbose)
            while waiting and waiting[0] in lines:
                tell(lines.pop(waiting.popleft()))

        def tell(line: str) -> None:
            if line:
                bar.say(line)

        try:
            denoise_all(plan.jobs, settings, done=done, progress=bar.part, around=around)
        except KeyboardInterrupt:
            for job in waiting:
                tell(lines.get(job, ""))
            bar.say(hint)
            report(plan, outcomes, time.monotonic() - started, as_json=as_json, quiet=quiet, what=what)
            raise
    return report(plan, outcomes, time.monotonic() - started, as_json=as_json, quiet=quiet, what=what)


def report(
    plan: Plan, outcomes: Sequence[Outcome], seconds: float, *, as_json: bool, quiet: bool, what: str = DENOISED
) -> int:
    """Prints what became of everything, in the order of the plan; gives the exit code."""
    place = {job: number for number, job in enumerate(plan.jobs)}
    outcomes = sorted(outcomes, key=lambda outcome: place[outcome.job])
    good = [outcome for outcome in outcomes if outcome.failure is None]
    failures = [(outcome.job.source, outcome.failure) for outcome in outcomes if outcome.failure is not None]
    failures += [(folder, f"cannot be read ({reason})") for folder, reason in plan.unreadable]
    summary = Summary(
        len(good),
        sum(outcome.megapixels for outcome in good),
        seconds,
        len(failures),
        plan.there_already,
        plan.others,
        left=len(plan.jobs) - len(outcomes),
        what=what,
    )
    if as_json:
        import json

        facts = {
            **summary.counts(),
            what.replace(" ", "_"): [facts_of(outcome, level=what == DENOISED) for outcome in good],
            "failed": [{"source": str(path), "reason": reason} for path, reason in failures],
            "not_reached": summary.left,
        }
        print(json.dumps(facts))
    elif not quiet:
        _say(plan, good, summary)
    return 1 if failures else 0


def _say(plan: Plan, good: Sequence[Outcome], summary: Summary) -> None:
    if len(plan.jobs) == 1 and good and not (plan.there_already or plan.others):
        print(good[0].job.target)
    elif not plan.jobs and plan.there_already == 1 and not (summary.failed or plan.others):
        print(f"{plan.first_there} is there already (--overwrite redoes it)", file=sys.stderr)
    else:
        print(summary, file=sys.stderr)


def facts_of(outcome: Outcome, *, level: bool = True) -> dict[str, Any]:
    """For JSON, of a picture that is done. `level`: with the noise level that was found in it, if any was."""
    size = {"megapixels": round(outcome.megapixels, 6)}
    facts = {"source": str(outcome.job.source), "result": str(outcome.job.target), **size}
    if level:
        facts["sigma"] = None if outcome.sigma is None else round(outcome.sigma, 2)
    return facts


def line_of(outcome: Outcome, *, verbose: bool, name: str = "") -> str:
    """What is said of a picture that is finished; nothing of most. `name`: what it is called, if not as its file."""
    if outcome.failure is None:
        level = "" if outcome.sigma is None else f" (noise level {outcome.sigma:.1f})"
        return f"{outcome.job.source} -> {outcome.job.target}{level}" if verbose else ""
    line = f"denoise-img: {name or outcome.job.source} {outcome.failure}"
    if verbose and outcome.bug is not None:
        import traceback

        line += "\n" + "".join(traceback.format_exception(outcome.bug))
    return line


def _figure(value: float) -> str:
    """Of a size above 0: with a decimal, or as many as two digits that count take."""
    return f"{value:.{max(1, 1 - math.floor(math.log10(value)))}f}"
