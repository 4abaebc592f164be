"""Files behind URLs, by fsspec: object stores such as S3, and what else it knows. Imported where there is a URL."""

from __future__ import annotations

import atexit
import errno
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, cast

from denoise_cli.errors import UsageError
from denoise_cli.places.files import TEMPORARY

if TYPE_CHECKING:
    from upath import UPath

    from denoise_cli.places.place import Unreadable

Result = TypeVar("Result")
EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "az": "azure", "abfs": "azure", "abfss": "azure"}
READ_ONLY = {"http", "https"}
# Where an object appears when all of it has been uploaded. Elsewhere it is uploaded beside its place, and renamed.
WHOLE = {*EXTRAS, "memory"}
TRIES, LONGEST_WAIT = 6, 20.0  # of calls that fail; seconds, from a fifth of one on
FINAL = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError)


def at(url: str) -> UPath:
    """Raises UsageError for a URL that nothing here can read."""
    protocol = url.partition(":")[0].lower()
    extra = EXTRAS.get(protocol, "http" if protocol in READ_ONLY else "urls")
    try:
        from upath import UPath

        found = UPath(url)
        found.fs  # noqa: B018 - asks for the package that knows this kind of URL
    except ImportError as error:
        raise UsageError(f"{url} takes the extra [{extra}]: pip install 'denoise-img[{extra}]' ({error})") from error
    except ValueError as error:
        raise UsageError(f"{url} is no path and no URL of a kind that is known ({error})") from error
    return found


def writable(place: UPath) -> bool:
    return place.protocol not in READ_ONLY


def exists(place: UPath) -> bool:
    return _kind(place) is not None


def is_folder(place: UPath) -> bool:
    return writable(place) and _kind(place) == "directory"


def _kind(place: UPath) -> str | None:
    """Asked by `info`, since fsspec's `exists` and `isdir` say no when a store fails to answer."""
    try:
        return str(patiently(lambda: place.fs.info(place.path))["type"])
    except (FileNotFoundError, NotADirectoryError):
        return None


def walk(folder: UPath, unreadable: Unreadable) -> Iterator[tuple[UPath, list[str], list[str]]]:
    """See `place.walk`. One folder's names are in memory at a time, and those of the folders above it."""
    try:
        folders, names = _listed(folder)
    except OSError as error:
        unreadable(folder, error.strerror or str(error))
        return
    yield folder, folders, names
    for name in folders:
        yield from walk(folder / name, unreadable)


def names_in(folder: UPath) -> frozenset[str]:
    """See `place.names_in`."""
    try:
        return frozenset(_listed(folder)[1])
    except FileNotFoundError:
        return frozenset()


def _listed(folder: UPath) -> tuple[list[str], list[str]]:
    """The names of a folder's folders and files."""
    entries: list[dict[str, Any]] = patiently(lambda: folder.fs.ls(folder.path, detail=True))
    folders: list[str] = []
    names: list[str] = []
    own = folder.path.rstrip("/")
    for entry in entries:
        path = str(entry["name"]).rstrip("/")
        if path.endswith(own) and path.strip("/") == own.strip("/"):
            continue  # of stores that keep an empty object for a folder
        (folders if entry["type"] == "directory" else names).append(path.rpartition("/")[2])
    return folders, names


@contextmanager
def reading(place: UPath) -> Iterator[BinaryIO]:
    """A local copy, since pictures are read back and forth."""
    with tempfile.NamedTemporaryFile(prefix=TEMPORARY) as copy:
        patiently(lambda: place.fs.get_file(place.path, copy.name))
        with Path(copy.name).open("rb") as file:
            yield file


@contextmanager
def replacing(place: UPath) -> Iterator[BinaryIO]:
    """Written here first, and uploaded whole when the block has ended well."""
    if not writable(place):
        raise OSError(errno.EROFS, "it can only be read", str(place))
    with tempfile.NamedTemporaryFile(prefix=TEMPORARY) as file:
        yield cast(BinaryIO, file)
        file.flush()
        if place.protocol in WHOLE:
            patiently(lambda: place.fs.put_file(file.name, place.path))
            return
        beside = place.with_name(f"{TEMPORARY}{Path(file.name).name}")
        try:
            patiently(lambda: place.fs.makedirs(place.parent.path, exist_ok=True))
            patiently(lambda: place.fs.put_file(file.name, beside.path))
            patiently(lambda: place.fs.mv(beside.path, place.path))
        except BaseException:
            with suppress(Exception):  # what went wrong is told, not this
                beside.fs.rm_file(beside.path)
            raise


@lru_cache
def copied(place: UPath) -> Path:
    """A local copy of the same name, until the program ends: of weights, which are read more than once."""
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / place.name
    patiently(lambda: place.fs.get_file(place.path, str(path)))
    return path


def patiently(call: Callable[[], Result]) -> Result:
    """What a store answers; when it fails it is asked again, after ever longer waits.

    Raises OSError, whatever the store's own errors are.
    """
    from tenacity import Retrying, retry_if_not_exception_type, stop_after_attempt, wait_random_exponential

    again = Retrying(
        stop=stop_after_attempt(TRIES),
        wait=wait_random_exponential(multiplier=0.2, max=LONGEST_WAIT),
        retry=retry_if_not_exception_type((*FINAL, KeyboardInterrupt, SystemExit)),
        reraise=True,
    )
    try:
        return again(call)
    except FINAL as error:
        if error.strerror is not None:
            raise
        raise type(error)(error.errno or errno.ENOENT, _words(error)) from error
    except Exception as error:
        raise OSError(errno.EIO, f"{_words(error)}, {TRIES} times") from error


def _words(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
