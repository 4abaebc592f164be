"""Many pictures: reading, computing and writing at the same time, one failure never stopping the rest."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from denoise_cli.batch.picture import Settings, denoise_file
from denoise_cli.batch.plan import Job
from denoise_cli.denoisers.denoiser import Progress
from denoise_cli.errors import DenoiseError, reason
from denoise_cli.places.files import sweep, temporary_folder

# One picture computes at a time (Settings.turn); meanwhile the next is read and the last is written.
AT_ONCE = 3


@dataclass(frozen=True)
class Outcome:
    """What became of one picture: its size and time, or why it failed. `bug` is set where nobody foresaw the error."""

    job: Job
    megapixels: float = 0.0
    seconds: float = 0.0
    failure: str | None = None
    bug: BaseException | None = None


class _StoppedError(Exception):
    """Raised inside a picture that is being denoised when the run is to end."""


def denoise_one(job: Job, settings: Settings, progress: Progress | None = None) -> Outcome:
    """Denoises a picture; what goes wrong with it is its outcome, so that it costs no others."""
    started = time.monotonic()
    try:
        megapixels = denoise_file(job, settings, progress)
    except _StoppedError:
        raise
    except Exception as error:
        return failed(job, error, settings)
    return Outcome(job, megapixels, time.monotonic() - started)


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
) -> None:
    """Denoises all pictures and tells of each as it is finished, in the caller's thread.

    What a run that was killed has left half done where results go is removed.

    `progress` is called from other threads. A KeyboardInterrupt ends the pictures under way, which leave nothing
    behind, and is raised again.
    """
    folders = {job.target.parent for job in jobs if isinstance(job.target, Path)}
    if not all(isinstance(place, Path) for job in jobs for place in (job.source, job.target)):
        folders.add(temporary_folder())  # where copies of what is elsewhere are
    for folder in folders:
        sweep(folder)
    stop = threading.Event()

    def one(job: Job) -> Outcome:
        def tell(part: int, whole: int) -> None:
            if stop.is_set():
                raise _StoppedError
            progress(job, part, whole)

        return denoise_one(job, settings, tell)

    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="picture")
    try:
        waiting = iter(jobs)
        running: set[Future[Outcome]] = {pool.submit(one, job) for job in islice(waiting, 2 * AT_ONCE)}
        while running:
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                done(future.result())
            running |= {pool.submit(one, job) for job in islice(waiting, len(finished))}
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
