"""Writing files so that none is ever half written."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

TEMPORARY = ".denoise-img-"  # how the names of unfinished files begin


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file, open for reading and writing, that takes the place of `path` when the block ends well.

    Until then it lies beside it under a hidden name, so that renaming it is atomic; when the block fails, it is removed
    and `path` is as it was. A file that is replaced hands on its permissions.
    Raises OSError.
    """
    beside = path.with_name(f"{TEMPORARY}{secrets.token_hex(8)}")
    try:
        with beside.open("x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            beside.chmod(path.stat().st_mode & 0o7777)
        beside.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            beside.unlink()
        raise
