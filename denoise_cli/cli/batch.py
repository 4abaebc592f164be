"""Runs what is planned, and tells what became of it."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from denoise_cli.batch.many import Outcome
    from denoise_cli.batch.picture import Settings
    from denoise_cli.batch.plan import Plan

DENOISED = "denoised"  # what was done to the pictures, unless another word is given


def run_batch(
    plan: Plan, settings: Settings, hint: str, *, as_json: bool, quiet: bool, verbose: bool, what: str = DENOISED
) -> int:
    """Denoises what is planned; `hint` is what to say to those who stop it. Gives the exit code."""
    import time
    import traceback

    from denoise_cli.batch.many import denoise_all
    from denoise_cli.cli.console import BatchProgress

    outcomes: list[Outcome] = []
    started = time.monotonic()
    for folder, reason in plan.unreadable:
        print(f"denoise-img: {folder} cannot be read ({reason})", file=sys.stderr)
    with BatchProgress(len(plan.jobs), hidden=quiet) as bar:

        def done(outcome: Outcome) -> None:
            outcomes.append(replace(outcome, bug=None))  # whose traceback would keep the picture
            bar.finished(outcome.job, outcome.megapixels)
            if outcome.failure:
                bar.say(f"denoise-img: {outcome.job.source} {outcome.failure}")
            elif verbose:
                bar.say(f"{outcome.job.source} -> {outcome.job.target}")
            if verbose and outcome.bug is not None:
                bar.say("".join(traceback.format_exception(outcome.bug)))

        try:
            denoise_all(plan.jobs, settings, done=done, progress=bar.part)
        except KeyboardInterrupt:
            bar.say(hint)
            report(plan, outcomes, time.monotonic() - started, as_json=as_json, quiet=quiet, what=what)
            raise
    return report(plan, outcomes, time.monotonic() - started, as_json=as_json, quiet=quiet, what=what)


def report(
    plan: Plan, outcomes: list[Outcome], seconds: float, *, as_json: bool, quiet: bool, what: str = DENOISED
) -> int:
    """Prints what became of everything, in the order of the plan; gives the exit code."""
    place = {job: number for number, job in enumerate(plan.jobs)}
    outcomes = sorted(outcomes, key=lambda outcome: place[outcome.job])
    good = [outcome for outcome in outcomes if outcome.failure is None]
    failures = [(outcome.job.source, outcome.failure) for outcome in outcomes if outcome.failure is not None]
    failures += [(folder, f"cannot be read ({reason})") for folder, reason in plan.unreadable]
    megapixels = sum(outcome.megapixels for outcome in good)
    if as_json:
        import json

        facts: dict[str, Any] = {
            what.replace(" ", "_"): [
                {"source": str(o.job.source), "result": str(o.job.target), "megapixels": round(o.megapixels, 6)}
                for o in good
            ],
            "failed": [{"source": str(path), "reason": reason} for path, reason in failures],
            "there_already": plan.there_already,
            "other_files": plan.others,
            "not_reached": len(plan.jobs) - len(outcomes),
            "seconds": round(seconds, 3),
        }
        print(json.dumps(facts))
    elif not quiet:
        _say(plan, good, len(failures), len(plan.jobs) - len(outcomes), megapixels, seconds, what)
    return 1 if failures else 0


def _say(plan: Plan, good: list[Outcome], failed: int, left: int, megapixels: float, seconds: float, what: str) -> None:
    if len(plan.jobs) == 1 and good and not (plan.there_already or plan.others):
        print(good[0].job.target)
        return
    parts = summary(len(good), megapixels, seconds, failed, plan.there_already, plan.others, left, what)
    print(parts, file=sys.stderr)


def summary(
    good: int,
    megapixels: float,
    seconds: float,
    failed: int,
    there_already: int,
    others: int,
    left: int = 0,
    what: str = DENOISED,
) -> str:
    """How many pictures became what, in a line."""
    parts = [
        f"{good} {what}" + (f" ({megapixels:.1f} MP, {megapixels / seconds:.2f} MP/s)" if good and seconds else "")
    ]
    if there_already:
        parts.append(f"{there_already} there already (--overwrite redoes them)")
    if failed:
        parts.append(f"{failed} failed")
    if left:
        parts.append(f"{left} not reached")
    if others:
        parts.append(f"{others} other files left alone")
    return ", ".join(parts)
