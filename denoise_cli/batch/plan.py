"""Which files become which: decided, and checked, before the first is opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from denoise_cli.errors import UsageError
from denoise_cli.images.formats import SUFFIXES, by_suffix
from denoise_cli.places.files import TEMPORARY
from denoise_cli.places.manifest import is_manifest, listed
from denoise_cli.places.place import Place, exists, identity, is_file, is_folder, names_in, walk

MARK = ".denoised"


@dataclass(frozen=True)
class Job:
    """A picture and the file that its result goes to."""

    source: Place
    target: Place


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    `there_already` counts results that are, `others` files in folders that are no pictures; `unreadable` are folders
    that could not be looked into, with the reason.
    """

    jobs: tuple[Job, ...]
    there_already: int = 0
    others: int = 0
    unreadable: tuple[tuple[Place, str], ...] = ()


@dataclass
class Passed:
    """What a search passes over, noted while it goes on."""

    there_already: int = 0
    others: int = 0
    unreadable: list[tuple[Place, str]] = field(default_factory=list)


def make_plan(
    inputs: Sequence[Place],
    output: Place | None,
    *,
    into_folder: bool = False,
    in_place: bool = False,
    overwrite: bool = False,
) -> Plan:
    """Inputs are files, folders and manifests; for `output` see `denoise-img --help`. `into_folder`: it is one, even if
    not yet.

    Inputs that do not exist are planned like others, to fail in their turn.
    Raises UsageError where results would fall onto an input or onto each other, or their place is not clear.
    """
    if in_place and output is not None:
        raise UsageError("--in-place replaces the inputs, so it takes no --output")
    many = check_folders(inputs, output, in_place=in_place)
    passed = Passed()
    file = len(inputs) == 1 and not many and not into_folder
    jobs = [job for path in inputs for job in search(path, output, passed, file=file, several=len(inputs) > 1)]
    if in_place:  # behind a link, the file itself
        jobs = [
            Job(job.source, Path(identity(job.source)) if isinstance(job.source, Path) else job.source) for job in jobs
        ]
    elif output is None:
        # `*.jpg` also means the results of last time, which are no inputs.
        results = {identity(job.target) for job in jobs}
        jobs = [job for job in jobs if identity(job.source) not in results]

    _check(jobs, in_place=in_place)
    if output is not None and [job.target for job in jobs] == [output] and exists(output) and not overwrite:
        raise UsageError(f"{output} is there already; --overwrite replaces it")
    todo = tuple(jobs if in_place or overwrite else still_to_do(jobs, passed))
    return Plan(todo, passed.there_already, passed.others, tuple(passed.unreadable))


def check_folders(inputs: Sequence[Place], output: Place | None, *, in_place: bool = False) -> bool:
    """Whether an input stands for many pictures. Raises UsageError where it is not clear where their results go."""
    many = [path for path in inputs if is_folder(path) or is_manifest(path)]
    if many and output is None and not in_place:
        what = "a folder" if is_folder(many[0]) else "a list of pictures"
        raise UsageError(f"{many[0]} is {what}: say with -o which folder its results go to (or --in-place)")
    if output is not None and (len(inputs) > 1 or many) and is_file(output):
        raise UsageError(f"-o {output} is a file, but there are several pictures; name a folder")
    for folder in many:
        if output is not None and identity(output) == identity(folder):
            raise UsageError(f"-o {output} is the input folder itself; name another, or say --in-place")
    return bool(many)


def search(
    path: Place, output: Place | None, passed: Passed, *, file: bool = False, several: bool = False
) -> Iterator[Job]:
    """The pictures that an input stands for, found bit by bit, in order. `file`: the output is a file's name;
    `several`: there are other inputs, so that a folder's results need a folder of their own.
    """
    if is_manifest(path):
        for source, below in listed(path):
            yield Job(source, source if output is None else output / below)
    elif is_folder(path):
        root = path if output is None else output / Path(identity(path)).name if several else output
        yield from _below(path, root, output, passed)
    else:
        yield Job(path, _target_of_file(path, output, file=file))


def still_to_do(jobs: Sequence[Job] | Iterator[Job], passed: Passed) -> Iterator[Job]:
    """Those without a result, the others counted. A folder of a store is asked for all of its names at once."""
    folder, names = None, frozenset[str]()
    for job in jobs:
        if isinstance(job.target, Path):
            there = exists(job.target)
        else:
            if folder != job.target.parent:
                folder = job.target.parent
                names = names_in(folder)
            there = job.target.name in names
        if there:
            passed.there_already += 1
        else:
            yield job


def _below(folder: Place, root: Place, output: Place | None, passed: Passed) -> Iterator[Job]:
    """The files below a folder that are named like pictures, in order, and their places below `root`.

    Hidden folders, links to folders and the output folder are passed over; hidden files count as others.
    """
    results = None if output is None else identity(output)
    start = len(folder.parts)
    for here, folders, names in walk(folder, lambda place, why: passed.unreadable.append((place, why))):
        folders[:] = sorted(name for name in folders if name[0] != "." and identity(here / name) != results)
        there = root.joinpath(*here.parts[start:])
        for name in sorted(names):
            if name[0] != "." and Path(name).suffix.lower() in SUFFIXES:
                yield Job(here / name, there / name)
            elif not name.startswith(TEMPORARY):
                passed.others += 1


def _target_of_file(path: Place, output: Place | None, *, file: bool) -> Place:
    name = path.name.partition("?")[0] if not isinstance(path, Path) else path.name
    if output is None:
        plain = Path(name)
        return path.with_name(f"{plain.stem}{MARK}{plain.suffix}")
    if not file or is_folder(output):
        return output / name
    by_suffix(output)
    return output


def _check(jobs: Sequence[Job], *, in_place: bool) -> None:
    """Raises UsageError where two results have one name, or a result an input's."""
    sources = {identity(job.source) for job in jobs}
    taken: dict[str, Place] = {}
    for job in jobs:
        target = identity(job.target)
        if target in taken:
            raise UsageError(
                f"{taken[target]} and {job.source} would both become {job.target}; denoise them separately"
            )
        taken[target] = job.source
        if target in sources and not in_place:
            raise UsageError(f"{job.target} is an input; name another output, or say --in-place")
