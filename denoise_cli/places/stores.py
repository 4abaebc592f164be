"""Files behind URLs, by fsspec: object stores such as S3, and what else it knows. Imported where there is a URL."""

from __future__ import annotations

import atexit
import errno
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from denoise_cli.errors import UsageError
from denoise_cli.places.files import TEMPORARY, temporary

if TYPE_CHECKING:
    from upath import UPath

    from denoise_cli.places.place import Unreadable

Result = TypeVar("Result")
ALIASES = {"s3a": "s3", "gcs": "gs"}
EXTRAS = {"s3": "s3", "gs": "gcs", "az": "azure", "abfs": "azure", "abfss": "azure", "http": "http", "https": "http"}
READ_ONLY = {"http", "https"}
# Where an object appears when all of it has been uploaded. Elsewhere it is uploaded beside its place, and renamed.
WHOLE = {"s3", "gs", "az", "abfs", "abfss", "memory"}
TRIES, FIRST_WAIT, LONGEST_WAIT = 6, 0.5, 20.0  # of calls that fail; seconds, each wait twice the last
FINAL = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError)


def at(url: str) -> UPath:
    """Raises UsageError for a URL that nothing here can read."""
    scheme, _, rest = url.partition("://")
    protocol = ALIASES.get(scheme.lower(), scheme.lower())
    extra = EXTRAS.get(protocol, "urls")
    # `::` begins another URL for fsspec, but is only part of a name here.
    start, colons, more = f"{protocol}://{rest}".partition("::")
    try:
        from upath import UPath

        found = UPath(start)
        if colons:
            found = found.parent / f"{found.name}{colons}{more}"
        _files(found)
    except ImportError as error:
        raise UsageError(f"{url} takes the extra [{extra}]: pip install 'denoise-img[{extra}]' ({error})") from error
    except Exception as error:  # of any kind: each store's package has its own
        raise UsageError(f"{url} is no path, and no URL that can be used ({error})") from error
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
        return str(patiently(place, lambda files: files.info(place.path))["type"])
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
    """Of files; none where there is no such folder. Raises OSError where it cannot be read."""
    try:
        return frozenset(_listed(folder)[1])
    except FileNotFoundError:
        return frozenset()


def _listed(folder: UPath) -> tuple[list[str], list[str]]:
    """The names of a folder's folders and files."""

    def listed(files: Any) -> list[dict[str, Any]]:
        try:
            return list(files.ls(folder.path, detail=True))
        finally:
            files.invalidate_cache(folder.path)  # or all that was ever listed would stay in memory

    folders: list[str] = []
    names: list[str] = []
    for entry in patiently(folder, listed):
        path = str(entry["name"]).rstrip("/")
        if path.strip("/") == folder.path.strip("/"):
            continue  # of stores that keep an empty object for a folder
        (folders if entry["type"] == "directory" else names).append(path.rpartition("/")[2])
    return folders, names


@contextmanager
def reading(place: UPath) -> Iterator[BinaryIO]:
    """A local copy, since pictures are read back and forth."""
    with temporary() as (_, copy):
        patiently(place, lambda files: files.get_file(place.path, str(copy)))
        with copy.open("rb") as file:
            yield file


@contextmanager
def replacing(place: UPath) -> Iterator[BinaryIO]:
    """Written here first, and uploaded whole when the block has ended well."""
    if not writable(place):
        raise OSError(errno.EROFS, "it can only be read", str(place))
    with temporary(place.suffix) as (file, path):  # the suffix tells stores its kind
        yield file
        file.flush()
        if place.protocol in WHOLE:
            patiently(place, lambda files: files.put_file(str(path), place.path))
        else:
            _renamed(str(path), place)


def _renamed(file: str, place: UPath) -> None:
    """Uploads to a hidden name beside a place, which then becomes that of the place."""
    beside = place.with_name(f"{TEMPORARY}{secrets.token_hex(8)}").path

    def move(files: Any) -> None:
        try:
            files.mv(beside, place.path)
        except FileNotFoundError:  # it was moved by an earlier try, whose answer was lost
            files.info(place.path)

    patiently(place, lambda files: files.makedirs(place.parent.path, exist_ok=True))
    try:
        patiently(place, lambda files: files.put_file(file, beside))
        patiently(place, move)
    except BaseException:
        with suppress(Exception):  # what went wrong is told, not this
            _files(place).rm_file(beside)
        raise


@lru_cache
def copied(place: UPath) -> Path:
    """A local copy of the same name, until the program ends: of weights, which are read more than once."""
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / place.name
    patiently(place, lambda files: files.get_file(place.path, str(path)))
    return path


def patiently(place: UPath, call: Callable[[Any], Result]) -> Result:
    """What a store answers; when it fails it is asked again, after longer and longer waits.

    Raises OSError with the place as its file, whatever the store's own errors are.
    """
    from tenacity import Retrying, retry_if_not_exception_type, stop_after_attempt, wait_exponential, wait_random

    again = Retrying(
        stop=stop_after_attempt(TRIES),
        wait=wait_exponential(multiplier=FIRST_WAIT, max=LONGEST_WAIT) + wait_random(0, FIRST_WAIT),
        retry=retry_if_not_exception_type((*FINAL, KeyboardInterrupt, SystemExit)),
        reraise=True,
    )
    try:
        return again(lambda: call(_files(place)))
    except FINAL as error:
        raise type(error)(error.errno or errno.ENOENT, _words(error), str(place)) from error
    except Exception as error:
        raise OSError(errno.EIO, f"{_words(error)}, {TRIES} times", str(place)) from error


def _files(place: UPath) -> Any:
    """The store's file system, in each thread its own where it cannot be shared."""
    from fsspec import filesystem

    return filesystem(place.protocol, **place.storage_options)


def _words(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
