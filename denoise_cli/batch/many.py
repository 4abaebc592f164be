"""Many pictures: reading, computing and writing at the same time, one failure never stopping the rest."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

from denoise_cli.batch.picture import Around, Settings, denoise_file
from denoise_cli.batch.plan import Job
from denoise_cli.denoisers.denoiser import Progress
from denoise_cli.errors import DenoiseError, reason
from denoise_cli.images.image import Image
from denoise_cli.places.files import sweep, temporary_folder

T = TypeVar("T")
AT_ONCE = 3  # one picture computes at a time; meanwhile the next is read and the last is written


@dataclass(frozen=True)
class Outcome:
    """What became of one picture: its size and time, or why it failed. `bug` is set where nobody foresaw the error.

    `sigma`: see `Denoised`.
    """

    job: Job
    megapixels: float = 0.0
    seconds: float = 0.0
    failure: str | None = None
    bug: BaseException | None = None
    sigma: float | None = None


class _StoppedError(Exception):
    """Raised inside a picture that is being denoised when the run is to end."""


class InTurn:
    """The one thread in which pictures compute, one after the other: each has the whole processor.

    Networks are loaded in it too. OpenMP keeps helpers for every thread that has ever computed, and once these are more
    than there are cores, they sleep after each operation instead of waiting for the next one, and are slow to wake.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="computing")

    def run(self, work: Callable[[], T]) -> T:
        """What it gives, or raises."""
        return self._thread.submit(work).result()

    def __call__(self, image: Image, denoised: Callable[[Image], Image]) -> Image:
        return self.run(partial(denoised, image))


def denoise_one(job: Job, settings: Settings, around: Around, progress: Progress | None = None) -> Outcome:
    """Denoises a picture; what goes wrong with it is its outcome, so that it costs no others.

    `around`: an `InTurn`, the same for all pictures that are denoised at the same time.
    """
    started = time.monotonic()
    try:
        denoised = denoise_file(job, settings, progress, around)
    except _StoppedError:
        raise
    except Exception as error:
        return failed(job, error, settings)
    return Outcome(job, denoised.megapixels, time.monotonic() - started, sigma=denoised.sigma)


def failed(job: Job, error: Exception, settings: Settings) -> Outcome:
    """The outcome of a picture that an error ended."""
    foreseen = isinstance(error, (DenoiseError, MemoryError))
    tiled = isinstance(error, MemoryError) and settings.denoiser.card.family == "network"
    hint = "; a smaller --tile may help" if tiled else ""
    return Outcome(job, failure=reason(error) + hint, bug=None if foreseen else error)


def none_there(jobs: Sequence[Job]) -> list[Outcome]:
    """The outcomes of pictures of which not one is there, so that nothing need be loaded; none where one may be."""
    outcomes = []
    for job in jobs:
        if not isinstance(job.source, Path):
            return []  # a store is only asked for what is to be read
        try:
            job.source.stat()
        except OSError as error:
            outcomes.append(Outcome(job, failure=f"cannot be read ({error.strerror})"))
        else:
            return []
    return outcomes


def denoise_all(
    jobs: Sequence[Job],
    settings: Settings,
    *,
    done: Callable[[Outcome], None],
    progress: Callable[[Job, int, int], None] = lambda job, part, whole: None,
    around: InTurn | None = None,
) -> None:
    """Denoises all pictures and tells of each as it is finished, in the caller's thread.

    What a run that was killed has left half done where results go is removed.

    `progress` is called from other threads. `around`: the thread in which they compute, if it is there already.
    A KeyboardInterrupt ends the pictures that are computed, which leave nothing behind; those that are written already
    are finished and told, and then it is raised again.
    """
    folders = {job.target.parent for job in jobs if isinstance(job.target, Path)}
    if not all(isinstance(place, Path) for job in jobs for place in (job.source, job.target)):
        folders.add(temporary_folder())  # where copies of what is elsewhere are
    for folder in folders:
        sweep(folder)
    stop, around = threading.Event(), around or InTurn()

    def one(job: Job) -> Outcome:
        def tell(part: int, whole: int) -> None:
            if stop.is_set():
                raise _StoppedError
            progress(job, part, whole)

        return denoise_one(job, settings, around, tell)

    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="picture")
    untold: set[Future[Outcome]] = set()
    try:
        waiting = iter(jobs)
        untold |= {pool.submit(one, job) for job in islice(waiting, 2 * AT_ONCE)}
        while untold:
            finished, _ = wait(untold, return_when=FIRST_COMPLETED)
            for future in finished:
                untold.remove(future)
                done(future.result())
            untold |= {pool.submit(one, job) for job in islice(waiting, len(finished))}
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
        for future in untold:  # of a run that was stopped
            if not future.cancelled() and future.exception() is None:
                done(future.result())
