"""What users see while they wait."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

from denoise_cli.batch.plan import Job

if TYPE_CHECKING:
    from typing_extensions import Self  # of typing from Python 3.11 on


@contextmanager
def waiting(text: str, *, hidden: bool) -> Iterator[None]:
    """A line on stderr for as long as the block lasts; none where it is hidden or no one looks."""
    console = Console(stderr=True)
    if hidden or not console.is_terminal:
        yield
    else:
        with console.status(escape(text)):
            yield


class _Bar:
    """A bar on stderr that goes when it is done; none where it is hidden or no one looks."""

    def __init__(self, *columns: ProgressColumn, hidden: bool) -> None:
        self._console = Console(stderr=True)
        self._bar = Progress(
            *columns, console=self._console, transient=True, disable=hidden or not self._console.is_terminal
        )

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """A line of its own above the bar."""
        if self._bar.disable:
            print(text, file=sys.stderr)
        else:
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class TrainingProgress(_Bar):
    """A bar over a training's steps, and lines above it; only the lines where no one looks."""

    def __init__(self, *, hidden: bool) -> None:
        steps = TextColumn("step {task.completed}/{task.total}")
        super().__init__(steps, BarColumn(), TimeRemainingColumn(), hidden=hidden)
        self._hidden = hidden
        self._task = self._bar.add_task("", total=None, visible=False)

    def tick(self, step: int, steps: int) -> None:
        self._bar.update(self._task, completed=step, total=steps, visible=True)

    def say(self, text: str) -> None:
        if not self._hidden:
            super().say(text)


class BatchProgress(_Bar):
    """A bar over pictures, those under way counted by their finished part."""

    def __init__(self, pictures: int | None, *, hidden: bool) -> None:
        """`pictures`: None where nobody knows yet how many there are."""
        super().__init__(
            TextColumn("{task.fields[done]}/{task.fields[pictures]} pictures"),
            BarColumn(),
            TextColumn("{task.fields[rate]:.2f} MP/s"),
            TimeRemainingColumn(),
            hidden=hidden,
        )
        self._task = self._bar.add_task(
            "", total=pictures, done=0, pictures="?" if pictures is None else pictures, rate=0.0
        )
        self._lock = threading.Lock()
        self._parts: dict[Job, tuple[int, int]] = {}  # pixels done and in all of those under way
        self._done, self._megapixels = 0, 0.0

    def part(self, job: Job, done: int, total: int) -> None:
        """A picture's progress, in pixels."""
        with self._lock:
            self._parts[job] = (done, total)
            self._show()

    def finished(self, job: Job, megapixels: float) -> None:
        """A picture is done, or has failed."""
        with self._lock:
            self._parts.pop(job, None)
            self._done += 1
            self._megapixels += megapixels
            self._show()

    def _show(self) -> None:
        elapsed = self._bar.tasks[0].elapsed or 0.0
        parts = self._parts.values()
        megapixels = self._megapixels + sum(done for done, _ in parts) / 1e6
        completed = self._done + sum(done / total for done, total in parts)
        rate = megapixels / elapsed if elapsed else 0.0
        self._bar.update(self._task, completed=completed, done=self._done, rate=rate)
