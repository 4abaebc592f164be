"""Writing files so that none is ever half written."""

from __future__ import annotations

import os
import re
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # on Windows, where no file can be removed that is open
    fcntl = None  # type: ignore[assignment]

TEMPORARY = ".denoise-img-"  # how the names of unfinished files begin
UNFINISHED = re.compile(re.escape(TEMPORARY) + r"[0-9a-f]{16}(\.\w+)?")
OLD = 60.0  # seconds after which a file that nobody writes any more was left by a process that was killed


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file, open for reading and writing, that takes the place of `path` when the block ends well.

    Until then it lies beside it under a hidden name, so that renaming it is atomic; when the block fails, it is removed
    and `path` is as it was. A file that is replaced hands on its permissions and, as far as one may, its owner and
    extended attributes.
    Raises OSError.
    """
    beside = path.with_name(f"{TEMPORARY}{secrets.token_hex(8)}")
    mode = 0o600 if path.exists() else 0o666  # what is replaced may be nobody else's business
    try:
        with open(beside, "x+b", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            with suppress(OSError):  # of file systems without locks
                _lock(file)
            yield file
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            _like(path, beside)
        beside.replace(path)
    except BaseException as error:
        with suppress(FileNotFoundError):
            beside.unlink()
        if isinstance(error, OSError) and error.filename in (None, str(beside)):
            error.filename = str(path)  # of a full disk none is told, and the hidden name is no one's business
        raise


def _like(old: Path, new: Path) -> None:
    there = old.stat()
    with suppress(OSError, AttributeError):  # of who may not, and of systems that have none
        os.chown(new, there.st_uid, there.st_gid)
    with suppress(OSError, AttributeError):
        for name in os.listxattr(old):
            with suppress(OSError):
                os.setxattr(new, name, os.getxattr(old, name))
    new.chmod(there.st_mode & 0o7777)


def temporary_folder() -> Path:
    """Where `temporary` files are."""
    return Path(tempfile.gettempdir())


@contextmanager
def temporary(suffix: str = "") -> Iterator[tuple[BinaryIO, Path]]:
    """An empty file that only its owner can read, open, for as long as the block lasts. Raises OSError."""
    path = temporary_folder() / f"{TEMPORARY}{secrets.token_hex(8)}{suffix}"
    with open(path, "x+b", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        try:
            with suppress(OSError):
                _lock(file)
            yield file, path
        finally:
            path.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Removes unfinished files that processes left in a folder when they were killed; those under way are locked."""
    try:
        left = [path for path in folder.iterdir() if UNFINISHED.fullmatch(path.name)]
    except OSError:
        return  # there is nothing to see, or it may not be seen
    for path in left:
        with suppress(OSError):  # another process may have been quicker
            if time.time() - path.stat().st_mtime > OLD:
                with path.open("r+b") as file:
                    _lock(file)
                path.unlink()


def _lock(file: BinaryIO) -> None:
    """Until it is closed. Raises OSError where another process has it, or the file system has no locks."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
