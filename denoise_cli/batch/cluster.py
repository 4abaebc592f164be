"""Many pictures on a Ray cluster. Ray Data lists, queues and ships; what is ours is only what one picture needs."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from denoise_cli.batch.many import AT_ONCE, Outcome, denoise_one
from denoise_cli.batch.picture import Settings
from denoise_cli.batch.plan import Job, Passed, search, still_to_do
from denoise_cli.errors import DenoiseError, UsageError
from denoise_cli.images.codec import SaveOptions
from denoise_cli.places.files import sweep
from denoise_cli.places.place import Place, identity, place

# Pictures are shipped in groups, for what each shipment costs: one by one at first, so that all workers have some, and
# one more for every so many that are listed. Where a node is lost, its groups are done again.
LARGEST_GROUP, GROWS_AFTER = 64, 256
EXTRA = "it takes the extra [ray]: pip install 'denoise-img[ray]'"
Row = dict[str, np.ndarray]


@dataclass(frozen=True)
class Wanted:
    """How pictures are to be denoised, in words that can be sent to other machines. `weights`: a file's content."""

    model: str
    weights: bytes | None = None
    size: float | None = None
    device: str = "auto"
    precision: str = "auto"
    tile: str = "auto"
    strength: float = 1.0
    sigma: float | None = None
    white: float | None = None
    quality: int = 95

    @classmethod
    def of(cls, model: str, **options: Any) -> Wanted:
        """`options` are the other fields. Raises UsageError for a model that is unknown."""
        from denoise_cli.denoisers import classical
        from denoise_cli.denoisers.catalogue import weights_file
        from denoise_cli.denoisers.weights import bundled

        if model in classical.NAMES:
            return cls(model, **options)
        path = weights_file(model)
        if path.parent == bundled():
            return cls(path.stem, **options)
        return cls(path.name, path.read_bytes(), **options)

    def settings(self) -> Settings:
        """With the denoiser loaded."""
        from tempfile import TemporaryDirectory

        from denoise_cli.denoisers.catalogue import load

        options: dict[str, Any] = {"device": self.device, "precision": self.precision, "tile": self.tile}
        if self.weights is None:
            denoiser = load(self.model, size=self.size, **options)
        else:
            with TemporaryDirectory() as folder:
                path = Path(folder, self.model)
                path.write_bytes(self.weights)
                denoiser = load(path, **options)
        return Settings(denoiser, self.strength, self.sigma, self.white, SaveOptions(self.quality))


@dataclass(frozen=True)
class Cluster:
    """`address`: of a Ray cluster, `auto` for the one that this machine belongs to, None for one of this machine alone.
    `workers`: how many networks there are; by default one for each GPU, and without GPUs one for each node.
    """

    address: str | None = None
    workers: int | None = None


@dataclass(frozen=True)
class Listing:
    """What is to be listed, by a worker, bit by bit: inputs and the output folder, as text."""

    inputs: tuple[str, ...]
    output: str
    overwrite: bool = False

    def __call__(self, _: Row) -> Iterator[Row]:
        """Groups of pictures, and at the end what was passed over."""
        passed = Passed()
        try:
            yield from self._groups(passed)
        except DenoiseError as error:  # of a list of pictures
            yield _row(error=str(error))
        unreadable = [[str(folder), why] for folder, why in passed.unreadable]
        yield _row(passed=[passed.there_already, passed.others, unreadable])

    def _groups(self, passed: Passed) -> Iterator[Row]:
        jobs, swept, count = self._jobs(passed), None, 0
        if not self.overwrite:
            jobs = still_to_do(jobs, passed)
        while group := list(islice(jobs, min(LARGEST_GROUP, 1 + count // GROWS_AFTER))):
            count += len(group)
            for job in group:
                if isinstance(job.target, Path) and job.target.parent != swept:
                    swept = job.target.parent
                    sweep(swept)
            yield _row(jobs=[[str(job.source), str(job.target)] for job in group])

    def _jobs(self, passed: Passed) -> Iterator[Job]:
        for path in map(place, self.inputs):
            yield from search(path, place(self.output), passed, several=len(self.inputs) > 1)


class Worker:
    """An actor of the cluster, which holds the network. `threads`: processor cores that it may use; None: all."""

    def __init__(self, wanted: Wanted, threads: int | None = None) -> None:
        if threads is not None:
            import torch

            torch.set_num_threads(threads)
        self.settings = wanted.settings()

    def __call__(self, batch: Row) -> Row:
        facts = json.loads(str(batch["facts"][0]))
        if "jobs" not in facts:
            return batch
        outcomes = []
        for source, target in facts["jobs"]:
            outcome = denoise_one(Job(place(source), place(target)), self.settings)
            outcomes.append([source, target, outcome.megapixels, outcome.seconds, outcome.failure])
        return _row(outcomes=outcomes)


def denoise_on_ray(
    inputs: Sequence[Place],
    output: Place,
    wanted: Wanted,
    cluster: Cluster,
    passed: Passed,
    *,
    overwrite: bool = False,
    worker: type[Any] = Worker,
) -> Iterator[Outcome]:
    """Denoises below a folder what inputs stand for; gives the outcomes as they come, and notes what is `passed` over.

    A lost worker's pictures are done again by another, or by the same when its node is back.
    Raises UsageError where there is no cluster, or it has no place for so many, and for inputs whose results might fall
    onto each other.
    """
    listing = Listing(_as_text(_apart(inputs, output)), _as_text([output])[0], overwrite)
    ray = _connected(cluster.address)
    from ray.data import ActorPoolStrategy, DataContext, from_items

    context = DataContext.get_current()
    context.target_max_block_size = 1  # so that each group is handed on as soon as it is listed, and each outcome
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        number, threads, share = _shares(ray, cluster.workers)
        pool = ActorPoolStrategy(size=number, max_concurrent_calls_per_actor=AT_ONCE, enable_true_multi_threading=True)
        listed = from_items([{"facts": ""}]).map_batches(listing, batch_size=None, num_cpus=0)
        done = listed.map_batches(worker, fn_constructor_args=(wanted, threads), batch_size=1, compute=pool, **share)
        for row in done.iter_rows():
            facts = json.loads(row["facts"])
            if "error" in facts:
                raise UsageError(facts["error"])
            if "passed" in facts:
                passed.there_already, passed.others, unreadable = facts["passed"]
                passed.unreadable += [(place(folder), why) for folder, why in unreadable]
            for source, target, megapixels, seconds, failure in facts.get("outcomes", ()):
                yield Outcome(Job(place(source), place(target)), megapixels, seconds, failure)
    finally:
        ray.shutdown()


def _row(**facts: Any) -> Row:
    """As JSON, which holds names that are no valid text, too."""
    return {"facts": np.array([json.dumps(facts)], dtype=object)}


def _as_text(places: Sequence[Place]) -> tuple[str, ...]:
    """Absolute, as workers do not stand where the user does."""
    return tuple(str(path.absolute()) if isinstance(path, Path) else str(path) for path in places)


def _apart(inputs: Sequence[Place], output: Place) -> Sequence[Place]:
    """As the pictures are not all known before the first is done, it must be plain that their results are apart."""
    names = [Path(identity(path)).name for path in inputs]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise UsageError(f"{inputs[names.index(name)]} and {inputs[number]} have one name; denoise them separately")
    for path in inputs:
        if f"{identity(path)}/".startswith(f"{identity(output)}/"):
            raise UsageError(f"{path} lies in the output folder {output}; name another")
    return inputs


def _connected(address: str | None) -> Any:
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # of the machinery below; what it says is not for users
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise UsageError(f"there is no Ray here; {EXTRA}") from error
    try:
        ray.init(
            address=address or "local",
            include_dashboard=False if address is None else None,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
        raise UsageError(f"no Ray cluster answers at {address or 'this machine'} ({error})") from error
    return ray


def _shares(ray: Any, workers: int | None) -> tuple[int, int | None, dict[str, Any]]:
    """How many workers, how many threads each has, and what of a node it takes in Ray's books.

    Without GPUs it takes half of the cores that it uses there, so that when a node is lost its workers find room on
    others. A GPU is not shared.
    """
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    gpus = int(sum(node.get("GPU", 0) for node in nodes))
    if gpus:
        if workers is not None and workers > gpus:
            raise UsageError(f"--workers {workers}: the cluster has {gpus} GPUs, and each worker takes one")
        return workers or gpus, None, {"num_gpus": 1, "num_cpus": 1}
    cores = [int(node["CPU"]) for node in nodes if node.get("CPU", 0) >= 1]
    if sum(cores) < (workers or 1):
        raise UsageError(f"--workers {workers or 1}: the cluster has {sum(cores)} processor cores")
    if workers is None:
        workers, threads = len(cores), min(cores)
    else:
        threads = next(n for n in range(max(cores), 0, -1) if sum(core // n for core in cores) >= workers)
    return workers, threads, {"num_cpus": threads / 2}
