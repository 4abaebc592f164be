"""The report of a run on a cluster: lines of JSON beside the output."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from denoise_cli.places.place import Place, exists, reading, replacing

SUFFIX = ".report.jsonl"


class Report:
    """Lines of JSON beside the output, behind those of earlier runs. Each is kept at once: Ray may end the process
    without a word. Those of an output in a store lie in a file of this machine until they are uploaded at the end.
    """

    def __init__(self, output: Place, *, anew: bool) -> None:
        """Raises OSError where it cannot be written."""
        self._place, self._anew = _beside(output), anew
        self._start: int | None = None  # of this run's lines; None: there are none yet
        if isinstance(self._place, Path):
            self._path = self._place
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._new = not self._path.exists()
        else:
            self._new = not exists(self._place)
            if self._new:
                with replacing(self._place):  # which tells now, and not when all is done, whether this may be written
                    pass
            handle, name = tempfile.mkstemp(SUFFIX, "denoise-img-")
            os.close(handle)
            self._path = Path(name)
            if not self._new and not anew:
                with reading(self._place) as old, self._path.open("wb") as copy:
                    shutil.copyfileobj(old, copy)
        self._file = self._path.open("ab", buffering=0)

    def note(self, facts: dict[str, Any]) -> None:
        line = json.dumps(facts).encode() + b"\n"
        if self._start is None:
            if self._anew:
                self._file.truncate(0)
            self._start = self._path.stat().st_size
            if self._start:
                with self._path.open("rb") as file:
                    file.seek(-1, os.SEEK_END)
                    line = line if file.read() == b"\n" else b"\n" + line  # behind one that was cut short
        self._file.write(line)

    def sources(self) -> set[str]:
        """Of which this run has told."""
        if self._start is None:
            return set()
        with self._path.open("rb") as file:
            file.seek(self._start)
            return {json.loads(line)["source"] for line in file if line.strip()}

    def closed(self) -> tuple[Place | None, str | None]:
        """Where it is at the end, if this run had anything to tell, and why it is not where it should be."""
        self._file.close()
        stored = not isinstance(self._place, Path)
        if self._start is None:
            if stored or self._new:
                self._path.unlink()
            if stored and self._new:
                with suppress(Exception):  # an empty object harms nobody
                    self._place.unlink()
            return None, None
        if stored:
            try:
                with self._path.open("rb") as lines, replacing(self._place) as file:
                    shutil.copyfileobj(lines, file)
            except OSError as error:
                return self._path, f"{self._place} cannot be written ({error.strerror}); the report is {self._path}"
            self._path.unlink()
        return self._place, None


def _beside(output: Place) -> Place:
    """The report's place."""
    folder = output.resolve() if isinstance(output, Path) else output
    return folder.with_name(folder.name + SUFFIX) if folder.name else folder / f"denoise-img{SUFFIX}"
