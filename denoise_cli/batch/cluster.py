"""Many pictures on a Ray cluster. Ray Data lists, queues and ships; what is ours is only what one picture needs."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from denoise_cli.batch.connection import connected, shares
from denoise_cli.batch.many import AT_ONCE, InTurn, Outcome, denoise_one
from denoise_cli.batch.plan import Job, Look, Passed, Results, look, search
from denoise_cli.batch.wanted import Wanted
from denoise_cli.denoisers import classical
from denoise_cli.errors import DenoiseError, UsageError
from denoise_cli.images.formats import SUFFIXES
from denoise_cli.places.files import sweep, temporary_folder
from denoise_cli.places.manifest import listed as named_by
from denoise_cli.places.place import Place, identity, is_folder, name_of, own_name, place, suffix_of, text_of
from denoise_cli.runtime.words import check_words

# Pictures are shipped in groups, for what each shipment costs: one by one at first, so that all workers have some, and
# one more for every so many that are listed; the more workers, the slower, so that all end at about the same time.
# Where a node is lost, its groups are done again.
LARGEST_GROUP, GROWS_AFTER, FOR_EACH_WORKER = 256, 256, 16
RETRIES = 3  # of a group whose worker was lost: its pictures may be what costs workers their lives
Row = dict[str, np.ndarray]


@dataclass(frozen=True)
class Cluster:
    """`address`: of a Ray cluster, `auto` for the one that this machine belongs to, None for one of this machine alone.
    `workers`: how many networks there are; by default one for each GPU, and without GPUs one for as many
    cores as the smallest node has.
    """

    address: str | None = None
    workers: int | None = None


@dataclass
class Noted(Passed):
    """What a listing passed over. `wrong`: a list, and what is wrong with a row of it."""

    wrong: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Listing:
    """What is to be listed, by a task of the cluster, bit by bit: inputs and the output folder, as text.

    Ray begins a task anew when its node is lost and passes over as many of its rows as it has had already. So the rows
    do not depend on what is done meanwhile: a group without work left is a row like others.
    """

    inputs: tuple[str, ...]
    output: str
    seen: Look
    overwrite: bool = False
    grows_after: int = GROWS_AFTER

    def __call__(self, _: Row) -> Iterator[Row]:
        """Groups of pictures, and at the end how many there were and what was passed over."""
        passed, count = Noted(), 0
        try:
            for group in self._groups(passed):
                count += len(group["jobs"]) + group["there_already"]
                yield _row(**group)
        except DenoiseError as error:
            yield _error(error)
        except OSError as error:
            yield _error(UsageError(f"{error.filename} cannot be read ({error.strerror})"))
        unreadable = [[text_of(folder), why] for folder, why in passed.unreadable]
        yield _row(listed=count, others=passed.others, unreadable=unreadable, wrong=passed.wrong)

    def _groups(self, passed: Noted) -> Iterator[dict[str, Any]]:
        jobs, results, count = self.jobs(passed), Results(), 0
        swept: set[Path] = set()
        while group := list(islice(jobs, min(LARGEST_GROUP, 1 + count // self.grows_after))):
            count += len(group)
            for folder in {job.target.parent for job in group if isinstance(job.target, Path)} - swept:
                sweep(folder)
                swept.add(folder)
            todo = [job for job in group if self.overwrite or not results.has(job.target)]
            shipped = [texts_of(job) for job in todo]
            yield {"jobs": shipped, "there_already": len(group) - len(todo)}

    def jobs(self, passed: Noted) -> Iterator[Job]:
        """All of them, each once."""
        output = place(self.output)
        for path in map(place, self.inputs):
            if self.seen.listed:
                yield from _of_list(path, output, passed, overwrite=self.overwrite)
            else:
                yield from search(path, output, self.seen, passed)


def _of_list(path: Place, output: Place, passed: Noted, *, overwrite: bool) -> Iterator[Job]:
    """Each picture once. Rows that cannot be used, or whose result would fall onto another's, are noted; and with
    `overwrite` those of pictures in the output folder, of which one may be in a result's place.
    """

    def wrong(what: object) -> None:
        text = str(what)
        own = text.startswith(f"{path} ")
        passed.wrong.append((str(path), text[len(f"{path} ") :] if own else f"names what cannot be used: {text}"))

    folder = identity(output)
    taken: dict[int, int] = {}  # sources by targets; not the names, of which there may be millions
    for source, below in named_by(path, wrong):
        job = Job(source, output / below)
        there = identity(source)
        target, own = hash(identity(job.target)), hash(there)
        if overwrite and _lies_in(there, folder):
            wrong(f"{path} names {source}, which lies in the output folder")
        elif target not in taken and target != own:
            taken[target] = own
            yield job
        elif taken.get(target) != own:
            wrong(f"{path} names {source}, whose result would fall onto another picture")


def _lies_in(there: str, folder: str) -> bool:
    """Whether a place is a folder or lies below it, by their identities."""
    return f"{there}/".startswith(f"{folder}/")


@dataclass(frozen=True)
class Left:
    """A listing of what groups that were given up have left undone, each picture by itself.

    `jobs`: sources and targets, as text.
    """

    jobs: tuple[tuple[str, str], ...]

    def __call__(self, _: Row) -> Iterator[Row]:
        for job in self.jobs:
            yield _row(jobs=[job], there_already=0)
        yield _row(listed=len(self.jobs), others=0, unreadable=[], wrong=[])


class Worker:
    """An actor of the cluster, which holds the network. `threads`: processor cores that it may use; None: Ray says."""

    def __init__(self, wanted: Wanted, threads: int | None = None) -> None:
        self.wrong: DenoiseError | None = None
        self._around = InTurn()  # for threads of the pool call it, AT_ONCE at the same time
        sweep(temporary_folder())  # of what a worker that was lost here had copied
        try:
            self.settings = self._around.run(wanted.settings)
        except DenoiseError as error:  # which belongs to who asked, and not into the cluster's logs
            self.wrong = error
            return
        if threads is not None and self.settings.denoiser.card.family == "network":
            import torch

            self._around.run(partial(torch.set_num_threads, threads))  # which each thread has a number of its own for

    def __call__(self, batch: Row) -> Row:
        facts = json.loads(str(batch["facts"][0]))
        if self.wrong is not None:
            return _error(self.wrong)
        if "jobs" in facts:
            facts["outcomes"] = [self._outcome(*job) for job in facts.pop("jobs")]
        return _row(**facts)

    def _outcome(self, source: str, target: str) -> list[Any]:
        try:
            outcome = denoise_one(Job(place(source), place(target)), self.settings, self._around)
        except DenoiseError as error:  # of a URL for which a package is missing on this node
            return [source, target, 0.0, 0.0, f"cannot be denoised ({error})", None]
        return [source, target, outcome.megapixels, outcome.seconds, outcome.failure, outcome.sigma]


@dataclass
class Told:
    """What a run on a cluster tells besides outcomes, noted while it goes on.

    `listed`: how many pictures there are; more than outcomes and results already where some cost their workers' lives,
    and None where the listing's last word was lost with one.
    """

    there_already: int = 0
    listed: int | None = None
    others: int = 0
    unreadable: tuple[tuple[Place, str], ...] = ()
    wrong: tuple[tuple[str, str], ...] = ()


def check(wanted: Wanted) -> None:
    """Raises UsageError for what can be refused before there is a cluster."""
    check_words(wanted.device, wanted.precision, wanted.tile)
    if wanted.model in classical.NAMES:
        classical.build(wanted.model, wanted.size)


def listing_of(inputs: Sequence[Place], output: Place, *, overwrite: bool = False) -> Listing:
    """Raises UsageError where it is not plain that results are apart: pictures are not all known before the first is
    done.
    """
    seen = look(inputs, output, into_folder=True)
    names = [own_name(path) if isinstance(path, Path) and path.is_dir() else name_of(path) for path in inputs]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise UsageError(f"{inputs[names.index(name)]} and {inputs[number]} have one name; denoise them separately")
    for path in inputs:
        if _lies_in(identity(path), identity(output)):
            raise UsageError(f"{path} lies in the output folder {output}; name another")
    if seen.folders and seen.folders < len(inputs):
        raise UsageError("--engine ray takes folders or pictures, not both at once")
    if not seen.folders and not seen.listed and suffix_of(output) in SUFFIXES and not is_folder(output):
        raise UsageError(f"--engine ray puts results into a folder, and {output} is named like a picture; name another")
    return Listing(tuple(map(text_of, inputs)), text_of(output), seen, overwrite)


def denoise_on_ray(
    listing: Listing | Left, wanted: Wanted, cluster: Cluster, told: Told, *, worker: type[Any] = Worker
) -> Iterator[Outcome]:
    """Denoises what is listed; gives the outcomes as they come, and notes what else is `told`.

    A lost worker's pictures are done again by another, or by the same when its node is back. What is `Left` is done by
    one thread of a worker, so that a picture that costs its worker's life costs nothing else.
    Raises UsageError where there is no cluster, or it has no place for so many workers, and what went wrong there, if
    that is not just DenoiseError.
    """
    ray = connected(cluster.address)
    from ray.data import ActorPoolStrategy, DataContext, from_items

    context = DataContext.get_current()
    context.target_max_block_size = 1  # so that each group is handed on as soon as it is listed, and each outcome
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # groups that cost their workers' lives are told when all others are done
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        number, threads, share = shares(ray, cluster.workers)
        if isinstance(listing, Left):
            pool = ActorPoolStrategy(size=number, max_tasks_in_flight_per_actor=1, max_concurrent_calls_per_actor=1)
        else:
            listing = replace(listing, grows_after=max(GROWS_AFTER, FOR_EACH_WORKER * number))
            pool = ActorPoolStrategy(
                size=number, max_concurrent_calls_per_actor=AT_ONCE, enable_true_multi_threading=True
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # there is no other way to say max_task_retries yet
            listed = from_items([{"facts": ""}]).map_batches(listing, batch_size=None, num_cpus=0)
            arguments = {"fn_constructor_args": (wanted, threads), "max_task_retries": RETRIES, **share}
            done = listed.map_batches(worker, batch_size=1, compute=pool, **arguments)
            for row in done.iter_rows():
                facts = json.loads(row["facts"])
                if "error" in facts:
                    raise (UsageError if facts["usage"] else DenoiseError)(facts["error"])
                if "listed" in facts:
                    told.listed, told.others = facts["listed"], facts["others"]
                    told.unreadable = tuple((place(folder), why) for folder, why in facts["unreadable"])
                    told.wrong = tuple((path, why) for path, why in facts["wrong"])
                told.there_already += facts.get("there_already", 0)
                for source, target, megapixels, seconds, failure, sigma in facts.get("outcomes", ()):
                    yield Outcome(Job(place(source), place(target)), megapixels, seconds, failure, sigma=sigma)
    except ray.exceptions.RayError as error:
        raise DenoiseError(f"the cluster ended the run ({error}); the same command goes on where it ended") from error
    finally:
        ray.shutdown()


def _row(**facts: Any) -> Row:
    """As JSON, which holds names that are no valid text, too."""
    return {"facts": np.array([json.dumps(facts)], dtype=object)}


def _error(error: DenoiseError) -> Row:
    """What ends the run."""
    return _row(error=str(error), usage=isinstance(error, UsageError))


def texts_of(job: Job) -> tuple[str, str]:
    """For workers, which do not stand where the user does."""
    return text_of(job.source), text_of(job.target)
