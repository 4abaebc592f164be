"""Which files become which: decided, and checked, before the first is opened."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from denoise_cli.errors import UsageError
from denoise_cli.images.files import TEMPORARY
from denoise_cli.images.formats import SUFFIXES, by_suffix

MARK = ".denoised"


@dataclass(frozen=True)
class Job:
    """A picture and the file that its result goes to."""

    source: Path
    target: Path


@dataclass(frozen=True)
class Plan:
    """What is to be done; `there_already` counts results that are, `others` files in folders that are no pictures."""

    jobs: tuple[Job, ...]
    there_already: int
    others: int


def make_plan(
    inputs: Sequence[Path],
    output: Path | None,
    *,
    into_folder: bool = False,
    in_place: bool = False,
    overwrite: bool = False,
) -> Plan:
    """Inputs are files and folders; for `output` see `denoise-img --help`. `into_folder`: it is one, even if not yet.

    Inputs that do not exist are planned like others, to fail in their turn.
    Raises UsageError where results would fall onto an input or onto each other, or their place is not clear.
    """
    if in_place and output is not None:
        raise UsageError("--in-place replaces the inputs, so it takes no --output")
    folders = [path for path in inputs if path.is_dir()]
    if folders and output is None and not in_place:
        raise UsageError(f"{folders[0]} is a folder: say with -o which folder its results go to (or --in-place)")
    if output is not None and output.is_file() and (len(inputs) > 1 or folders):
        raise UsageError(f"-o {output} is a file, but there are several pictures; name a folder")
    for folder in folders:
        if output is not None and output.exists() and output.samefile(folder):
            raise UsageError(f"-o {output} is the input folder itself; name another, or say --in-place")

    jobs: list[Job] = []
    others = 0
    for path in inputs:
        if path.is_dir():
            pictures, rest = _below(path, output)
            others += rest
            root = Path(output or "", path.resolve().name if len(folders) > 1 else "")
            jobs += [Job(file, root / file.relative_to(path)) for file in pictures]
        else:
            jobs.append(Job(path, _target_of_file(path, output, file=len(inputs) == 1 and not into_folder)))
    if in_place:
        jobs = [Job(job.source, job.source.resolve()) for job in jobs]  # behind a link, the file itself

    _check(jobs, in_place=in_place)
    if output is not None and [job.target for job in jobs] == [output] and output.exists() and not overwrite:
        raise UsageError(f"{output} is there already; --overwrite replaces it")
    todo = tuple(job for job in jobs if in_place or overwrite or not job.target.exists())
    return Plan(todo, len(jobs) - len(todo), others)


def _below(folder: Path, output: Path | None) -> tuple[list[Path], int]:
    """The files below a folder that are named like pictures, in order, and the number of others.

    Hidden folders, links to folders and the output folder are passed over; hidden files count as others.
    """
    results = output.resolve() if output is not None else None
    pictures: list[Path] = []
    others = 0
    for place, folders, names in os.walk(folder):
        here = Path(place)
        folders[:] = sorted(name for name in folders if name[0] != "." and (here / name).resolve() != results)
        for name in sorted(names):
            if name[0] != "." and Path(name).suffix.lower() in SUFFIXES:
                pictures.append(here / name)
            elif not name.startswith(TEMPORARY):
                others += 1
    return pictures, others


def _target_of_file(path: Path, output: Path | None, *, file: bool) -> Path:
    if output is None:
        return path.with_name(f"{path.stem}{MARK}{path.suffix}")
    if not file or output.is_dir():
        return output / path.name
    by_suffix(output)
    return output


def _check(jobs: Sequence[Job], *, in_place: bool) -> None:
    """Raises UsageError where two results have one name, or a result an input's."""
    sources = {job.source.resolve() for job in jobs}
    taken: dict[Path, Path] = {}
    for job in jobs:
        target = job.target.resolve()
        if target in taken:
            raise UsageError(
                f"{taken[target]} and {job.source} would both become {job.target}; denoise them separately"
            )
        taken[target] = job.source
        if target in sources and not in_place:
            raise UsageError(f"{job.target} is an input; name another output, or say --in-place")
