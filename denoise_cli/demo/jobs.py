"""Pictures under way: one after the other, a bounded number of them, each with its progress and its end."""

from __future__ import annotations

import logging
import math
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, TimeoutError
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Literal

from denoise_cli.demo.work import Order, Outcome, carry_out
from denoise_cli.errors import DenoiseError, reason

State = Literal["waiting", "working", "done", "failed", "cancelled"]
WAITING, KEPT = 8, 16  # unfinished jobs at most; finished ones whose results stay
GRACE = 60.0  # seconds for which every result stays, even beyond that number


class BusyError(Exception):
    """As many pictures are waiting as may."""


class UnwantedError(Exception):
    """Nobody wants this picture any more."""


@dataclass
class Job:
    """One picture. `share`: the finished part, 0 to 1."""

    order: Order
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    share: float = 0.0
    unwanted: bool = False
    future: Future[Outcome] = field(init=False)
    ended: float = math.inf

    @property
    def state(self) -> State:
        if not self.future.done():
            return "working" if self.future.running() else "waiting"
        if self.future.cancelled() or isinstance(self.future.exception(), UnwantedError):
            return "cancelled"
        return "failed" if self.future.exception() else "done"

    @property
    def error(self) -> str | None:
        """What went wrong, as a sentence."""
        problem = self.future.exception() if self.state == "failed" else None
        return None if problem is None else f"{self.order.title} {reason(problem)}"

    def over(self, seconds: float) -> bool:
        """Whether it is, after so long at the most."""
        with suppress(CancelledError, TimeoutError):
            self.future.exception(timeout=seconds)  # unlike `wait`, which hears of cancelling when the worker does
        return self.future.done()

    def tell(self, share: float) -> None:
        """Hears of progress; raises UnwantedError where nobody waits for it any more."""
        if self.unwanted:
            raise UnwantedError
        self.share = share


class Jobs:
    """One worker, for a picture has the whole processor; the others wait their turn."""

    def __init__(self, folder: Path, *, waiting: int = WAITING, kept: int = KEPT, grace: float = GRACE) -> None:
        self._folder, self._waiting, self._kept, self._grace = folder, waiting, kept, grace
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._worker = ThreadPoolExecutor(1, "denoise")

    @contextmanager
    def new_folder(self) -> Iterator[Path]:
        """For a picture that is on its way; gone again if the block fails."""
        folder = self._folder / secrets.token_hex(8)
        folder.mkdir()
        try:
            yield folder
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def submit(self, order: Order) -> Job:
        """Raises BusyError."""
        with self._lock:
            if sum(not job.future.done() for job in self._jobs.values()) >= self._waiting:
                raise BusyError
            over = [job for job in self._jobs.values() if job.future.done()]
            for job in over[: max(0, len(over) - self._kept + 1)]:
                if time.monotonic() - job.ended >= self._grace:
                    self._forget(job)
            job = Job(order)
            job.future = self._worker.submit(_carried_out, job)
            self._jobs[job.id] = job
            return job

    def get(self, name: str) -> Job | None:
        return self._jobs.get(name)

    def ahead_of(self, job: Job) -> int:
        """How many pictures come first."""
        with self._lock:
            before = takewhile(lambda other: other is not job, self._jobs.values())
            return sum(not other.future.done() for other in before)

    def cancel(self, job: Job) -> None:
        """Ends it as soon as it can be and forgets it, result and all."""
        job.unwanted = True
        job.future.cancel()
        job.future.add_done_callback(lambda future: shutil.rmtree(job.order.folder, ignore_errors=True))
        with self._lock:
            self._jobs.pop(job.id, None)

    def close(self) -> None:
        """Ends all; returns when the worker has stopped."""
        for job in list(self._jobs.values()):
            self.cancel(job)
        self._worker.shutdown(cancel_futures=True)

    def _forget(self, job: Job) -> None:
        del self._jobs[job.id]
        shutil.rmtree(job.order.folder, ignore_errors=True)


def _carried_out(job: Job) -> Outcome:
    try:
        return carry_out(job.order, job.tell)
    except (DenoiseError, MemoryError, UnwantedError):
        raise
    except Exception:
        logging.getLogger(__name__).exception("a picture met an unforeseen error")
        raise
    finally:
        job.ended = time.monotonic()
