"""Which files become which: decided, and checked, before the first is opened."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path

from denoise_cli.errors import UsageError
from denoise_cli.images.formats import SUFFIXES, by_suffix
from denoise_cli.places import manifest
from denoise_cli.places.files import TEMPORARY
from denoise_cli.places.place import (
    URL,
    Place,
    exists,
    identity,
    is_file,
    is_folder,
    name_of,
    own_name,
    place,
    resolved,
    suffix_of,
    walk,
    writable,
)

MARK = ".denoised"
PLAIN_MARK = "-denoised"  # of a name without suffix, whose result has none either, and so the picture's format


@dataclass(frozen=True)
class Job:
    """A picture and the file that its result goes to."""

    source: Place
    target: Place


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    `there_already` counts results that are, of which `first_there` is one, to be named where it is the only one;
    `others` counts files in folders that are passed over; `unreadable` are folders that could not be looked into, with
    the reason.
    """

    jobs: tuple[Job, ...]
    there_already: int = 0
    others: int = 0
    unreadable: tuple[tuple[Place, str], ...] = ()
    first_there: Place | None = None


@dataclass
class Passed:
    """What a search passes over, noted while it goes on."""

    others: int = 0
    unreadable: list[tuple[Place, str]] = field(default_factory=list)


def places(names: Iterable[str]) -> list[Place]:
    """What users name: paths and URLs, and patterns, as not every shell puts files in their place."""
    found: list[Place] = []
    for name in names:
        pattern = URL.match(name) is None and ("*" in name or "?" in name) and not exists(place(name))
        found += (matching(name) if pattern else []) or [place(name)]
    return found


def matching(pattern: str) -> list[Path]:
    """In the order of their names. Brackets that make nothing match are none of a pattern, as in `Holiday [2024]`."""
    names = glob(pattern) or glob(pattern.replace("[", "[[]"))  # noqa: PTH207, patterns may be absolute
    return [Path(name) for name in sorted(names)]


def check_free(target: Place, *, overwrite: bool) -> None:
    """Raises UsageError where a single file that is to be written would take another's place unasked."""
    if is_folder(target):
        raise UsageError(f"{target} is a folder; name a file")
    if not overwrite and exists(target):
        raise UsageError(f"{target} is there already; --overwrite replaces it")


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

    Inputs that do not exist are planned like others, to fail in their turn; what is named twice is planned once.
    Raises UsageError where results would fall onto an input or onto each other, or their place is not clear.
    """
    if in_place and output is not None:
        raise UsageError("--in-place replaces the inputs, so it takes no --output")
    passed, seen = Passed(), look(inputs, output, in_place=in_place, into_folder=into_folder)
    jobs = [job for path in inputs for job in search(path, output, seen, passed)]
    if in_place:
        jobs = [Job(job.source, Path(resolved(job.source)) if _is_link(job.source) else job.source) for job in jobs]
    elif output is None:
        # `*.jpg` also means the results of last time, which are no inputs.
        results = {identity(job.target) for job in jobs}
        jobs = [job for job in jobs if identity(job.source) not in results]

    jobs = _checked(jobs, in_place=in_place)
    if output is not None and [job.target for job in jobs] == [output]:
        check_free(output, overwrite=overwrite)
    found, todo, there = Results(), list[Job](), list[Job]()
    for job in jobs:
        (there if not in_place and not overwrite and found.has(job.target) else todo).append(job)
    first = there[0].target if there else None
    return Plan(tuple(todo), len(there), passed.others, tuple(passed.unreadable), first)


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
    for path in inputs if output is None else [output]:
        if not writable(path):
            hint = "say with -o where results go" if output is None else "results go somewhere else"
            raise UsageError(f"{path} can only be read; {hint}")
    return Look(listed, len(inputs) == 1 and not many and not into_folder, len(folders))


def search(path: Place, output: Place | None, seen: Look, passed: Passed) -> Iterator[Job]:
    """The pictures that an input stands for, found bit by bit, in order."""
    if seen.listed:
        for source, below in manifest.listed(path, in_place=output is None):
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
        """Raises OSError where a store does not answer."""
        if isinstance(target, Path):
            return exists(target) and not is_folder(target)
        if self._folder != target.parent:
            from denoise_cli.places import stores

            self._folder, self._names = target.parent, stores.names_in(target.parent)
        return target.name in self._names


def _below(folder: Place, root: Place, output: Place | None, passed: Passed) -> Iterator[Job]:
    """The pictures below a folder, in order, and their places below `root`.

    The output folder is passed over. Results that lie beside their pictures count as others; so do, where there is no
    output and pictures are replaced, links to files that lie elsewhere, which nobody has named.
    """
    start, own = len(folder.parts), resolved(folder)
    for here, names in pictures_below(folder, passed, but=output):
        there = root.joinpath(*here.parts[start:])
        named = set(names)
        for name in names:
            source = here / name
            away = output is None and _is_link(source) and not Path(resolved(source)).is_relative_to(own)
            if away or picture_of(name) in named:
                passed.others += 1
            else:
                yield Job(source, there / name)


def pictures_below(folder: Place, passed: Passed, *, but: Place | None = None) -> Iterator[tuple[Place, list[str]]]:
    """Each folder from there on with the names of those of its files that are named like pictures, in order.

    Hidden folders, links to folders and the folder `but` are passed over; hidden files count as others.
    """
    left_out = None if but is None else identity(but)
    for here, folders, names in walk(folder, lambda path, why: passed.unreadable.append((path, why))):
        folders[:] = sorted(name for name in folders if name[0] != "." and identity(here / name) != left_out)
        pictures = sorted(name for name in names if name[0] != "." and Path(name).suffix.lower() in SUFFIXES)
        passed.others += sum(not name.startswith(TEMPORARY) for name in names) - len(pictures)
        yield here, pictures


def picture_of(name: str) -> str | None:
    """The name of the picture whose result is named so, as NAME.denoised.EXT; None for other names."""
    path = Path(name)
    return path.stem.removesuffix(MARK) + path.suffix if path.stem.endswith(MARK) else None


def _target_of_file(path: Place, output: Place | None, *, file: bool) -> Place:
    name = name_of(path)
    if output is None:
        plain = Path(name)
        mark = MARK if plain.suffix else PLAIN_MARK
        return path.with_name(f"{plain.stem}{mark}{plain.suffix}")
    if not file or is_folder(output):
        return output / name
    if exists(path):  # otherwise that is what is wrong, as will be told
        by_suffix(output)
    return output


def _is_link(path: Place) -> bool:
    return isinstance(path, Path) and os.path.islink(path)  # noqa: PTH114, pathlib's raises for a name that is too long


def _checked(jobs: Sequence[Job], *, in_place: bool) -> list[Job]:
    """Each once. Raises UsageError where two pictures have one result, or a result is an input."""
    sources = {identity(job.source) for job in jobs}
    taken: dict[str, Job] = {}
    for job in jobs:
        target = identity(job.target)
        other = taken.setdefault(target, job)
        if other is not job and identity(other.source) != identity(job.source):
            raise UsageError(f"{other.source} and {job.source} would both become {job.target}; denoise them separately")
        if target in sources and not in_place:
            raise UsageError(f"{job.target} is an input; name another output")
    return list(taken.values())
