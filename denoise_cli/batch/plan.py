"""Which files become which: decided, and checked, before the first is opened."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

# The functions of os.path say no where those of pathlib raise, as for a path that is too long or may not be seen.
from os.path import exists, isdir, isfile, realpath
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
    """What is to be done.

    `there_already` counts results that are, `others` files in folders that are no pictures; `unreadable` are folders
    that could not be looked into, with the reason.
    """

    jobs: tuple[Job, ...]
    there_already: int = 0
    others: int = 0
    unreadable: tuple[tuple[Path, str], ...] = ()


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
    folders = [path for path in inputs if isdir(path)]
    if folders and output is None and not in_place:
        raise UsageError(f"{folders[0]} is a folder: say with -o which folder its results go to (or --in-place)")
    if output is not None and isfile(output) and (len(inputs) > 1 or folders):
        raise UsageError(f"-o {output} is a file, but there are several pictures; name a folder")
    for folder in folders:
        if output is not None and realpath(output) == realpath(folder):
            raise UsageError(f"-o {output} is the input folder itself; name another, or say --in-place")

    found = _Found()
    for path in inputs:
        if isdir(path):
            root = Path(output or "", Path(realpath(path)).name if len(folders) > 1 else "")
            found.jobs += [Job(file, root / file.relative_to(path)) for file in _below(path, output, found)]
        else:
            found.jobs.append(Job(path, _target_of_file(path, output, file=len(inputs) == 1 and not into_folder)))
    jobs = found.jobs
    if in_place:
        jobs = [Job(job.source, Path(realpath(job.source))) for job in jobs]  # behind a link, the file itself
    elif output is None:
        # `*.jpg` also means the results of last time, which are no inputs.
        results = {realpath(job.target) for job in jobs}
        jobs = [job for job in jobs if realpath(job.source) not in results]

    _check(jobs, in_place=in_place)
    if output is not None and [job.target for job in jobs] == [output] and exists(output) and not overwrite:
        raise UsageError(f"{output} is there already; --overwrite replaces it")
    todo = tuple(job for job in jobs if in_place or overwrite or not exists(job.target))
    return Plan(todo, len(jobs) - len(todo), found.others, tuple(found.unreadable))


@dataclass
class _Found:
    jobs: list[Job] = field(default_factory=list)
    others: int = 0
    unreadable: list[tuple[Path, str]] = field(default_factory=list)


def _below(folder: Path, output: Path | None, found: _Found) -> Iterator[Path]:
    """The files below a folder that are named like pictures, in order; notes in `found` what it passes over.

    Hidden folders, links to folders and the output folder are passed over; hidden files count as others.
    """
    results = None if output is None else realpath(output)

    def unreadable(error: OSError) -> None:
        found.unreadable.append((Path(str(error.filename)), error.strerror or str(error)))

    for place, folders, names in os.walk(folder, onerror=unreadable):
        here = Path(place)
        folders[:] = sorted(name for name in folders if name[0] != "." and realpath(here / name) != results)
        for name in sorted(names):
            if name[0] != "." and Path(name).suffix.lower() in SUFFIXES:
                yield here / name
            elif not name.startswith(TEMPORARY):
                found.others += 1


def _target_of_file(path: Path, output: Path | None, *, file: bool) -> Path:
    if output is None:
        return path.with_name(f"{path.stem}{MARK}{path.suffix}")
    if not file or isdir(output):
        return output / path.name
    by_suffix(output)
    return output


def _check(jobs: Sequence[Job], *, in_place: bool) -> None:
    """Raises UsageError where two results have one name, or a result an input's."""
    sources = {realpath(job.source) for job in jobs}
    taken: dict[str, Path] = {}
    for job in jobs:
        target = realpath(job.target)
        if target in taken:
            raise UsageError(
                f"{taken[target]} and {job.source} would both become {job.target}; denoise them separately"
            )
        taken[target] = job.source
        if target in sources and not in_place:
            raise UsageError(f"{job.target} is an input; name another output, or say --in-place")
