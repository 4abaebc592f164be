"""Which files become which: decided, and checked, before the first is opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from denoise_cli.errors import UsageError
from denoise_cli.images.formats import SUFFIXES, by_suffix
from denoise_cli.places import manifest
from denoise_cli.places.files import TEMPORARY
from denoise_cli.places.place import (
    Place,
    exists,
    identity,
    is_file,
    is_folder,
    name_of,
    own_name,
    resolved,
    suffix_of,
    walk,
    writable,
)

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
    """Inputs are files and folders, or a list of pictures; for `output` see `denoise-img --help`. `into_folder`: it is
    a folder, even if not yet.

    Inputs that do not exist are planned like others, to fail in their turn.
    Raises UsageError where results would fall onto an input or onto each other, or their place is not clear.
    """
    if in_place and output is not None:
        raise UsageError("--in-place replaces the inputs, so it takes no --output")
    passed, seen = Passed(), look(inputs, output, in_place=in_place, into_folder=into_folder)
    jobs = [job for path in inputs for job in search(path, output, seen, passed)]
    if in_place:  # behind a link, the file itself
        jobs = [
            Job(job.source, Path(resolved(job.source)) if isinstance(job.source, Path) else job.source) for job in jobs
        ]
    elif output is None:
        # `*.jpg` also means the results of last time, which are no inputs.
        results = {identity(job.target) for job in jobs}
        jobs = [job for job in jobs if identity(job.source) not in results]

    _check(jobs, in_place=in_place)
    if output is not None and [job.target for job in jobs] == [output] and exists(output) and not overwrite:
        raise UsageError(f"{output} is there already; --overwrite replaces it")
    there = Results()
    todo = tuple(job for job in jobs if in_place or overwrite or not there.has(job.target))
    return Plan(todo, len(jobs) - len(todo), passed.others, tuple(passed.unreadable))


@dataclass(frozen=True)
class Look:
    """What the inputs are as a whole: a single list of pictures (`listed`), a single picture, whose output may be a
    name (`file`), and how many `folders`, of which several have a folder each below the output.
    """

    listed: bool
    file: bool
    folders: int


def look(inputs: Sequence[Place], output: Place | None, *, in_place: bool = False, into_folder: bool = False) -> Look:
    """Raises UsageError where it is not clear where results go, or they cannot go there."""
    try:
        folders = [path for path in inputs if is_folder(path)]
        listed = len(inputs) == 1 and not folders and suffix_of(inputs[0]) in manifest.SUFFIXES
        many = inputs[:1] if listed else folders
        if many and output is None and not in_place:
            what = "a list of pictures" if listed else "a folder"
            raise UsageError(f"{many[0]} is {what}: say with -o which folder its results go to (or --in-place)")
        if output is not None and (len(inputs) > 1 or many) and is_file(output):
            raise UsageError(f"-o {output} is a file, but there are several pictures; name a folder")
        if output is not None and len(inputs) > 1 and suffix_of(output) in SUFFIXES and not is_folder(output):
            raise UsageError(f"-o {output} is named like a picture, but there are several; name a folder")
        for folder in many:
            if output is not None and identity(output) == identity(folder):
                raise UsageError(f"-o {output} is the input folder itself; name another folder")
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be read ({error.strerror})") from error
    for place in inputs if output is None else [output]:
        if not writable(place):
            hint = "say with -o where results go" if output is None else "results go somewhere else"
            raise UsageError(f"{place} can only be read; {hint}")
    return Look(listed, len(inputs) == 1 and not many and not into_folder, len(folders))


def search(path: Place, output: Place | None, seen: Look, passed: Passed) -> Iterator[Job]:
    """The pictures that an input stands for, found bit by bit, in order."""
    if seen.listed:
        for source, below in manifest.listed(path):
            yield Job(source, source if output is None else output / below)
    elif seen.folders and is_folder(path):
        root = path if output is None else output / own_name(path) if seen.folders > 1 else output
        yield from _below(path, root, output, passed)
    else:
        yield Job(path, _target_of_file(path, output, file=seen.file))


class Results:
    """Which results are there already. A store is asked for the names of a whole folder, and then not again until it is
    about another one.
    """

    def __init__(self) -> None:
        self._folder: Place | None = None
        self._names: frozenset[str] = frozenset()

    def has(self, target: Place) -> bool:
        if isinstance(target, Path):
            return exists(target) and not is_folder(target)
        if self._folder != target.parent:
            from denoise_cli.places import stores

            self._folder, self._names = target.parent, stores.names_in(target.parent)
        return target.name in self._names


def _below(folder: Place, root: Place, output: Place | None, passed: Passed) -> Iterator[Job]:
    """The files below a folder that are named like pictures, in order, and their places below `root`.

    Hidden folders, links to folders and the output folder are passed over; hidden files count as others, and so do
    results that lie beside their pictures.
    """
    results = None if output is None else identity(output)
    start = len(folder.parts)
    for here, folders, names in walk(folder, lambda place, why: passed.unreadable.append((place, why))):
        folders[:] = sorted(name for name in folders if name[0] != "." and identity(here / name) != results)
        there = root.joinpath(*here.parts[start:])
        named = set(names)
        for name in sorted(names):
            if name[0] != "." and Path(name).suffix.lower() in SUFFIXES and picture_of(name) not in named:
                yield Job(here / name, there / name)
            elif not name.startswith(TEMPORARY):
                passed.others += 1


def picture_of(name: str) -> str | None:
    """The name of the picture whose result is named so, as NAME.denoised.EXT; None for other names."""
    path = Path(name)
    return path.stem.removesuffix(MARK) + path.suffix if path.stem.endswith(MARK) else None


def _target_of_file(path: Place, output: Place | None, *, file: bool) -> Place:
    name = name_of(path)
    if output is None:
        plain = Path(name)
        return path.with_name(f"{plain.stem}{MARK}{plain.suffix}")
    if not file or is_folder(output):
        return output / name
    if exists(path):  # otherwise that is what is wrong, as will be told
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
            raise UsageError(f"{job.target} is an input; name another output")
