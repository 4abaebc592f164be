"""Files behind URLs, by fsspec: object stores such as S3, and what else it knows. Imported where there is a URL."""

from __future__ import annotations

import atexit
import errno
import re
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
EMPTY = "in whole: names with an empty part, as in folder//name, are passed over"
PASSWORD = re.compile(r"(://[^/:@]*):[^/]*@")
TRIES, FIRST_WAIT, LONGEST_WAIT = 6, 0.5, 20.0  # of calls that fail; seconds, each wait twice the last
FINAL = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError)


class _Told:
    """A UPath whose text is all of its URL but the password: UPath's own leaves out the server."""

    __slots__ = ()

    def __str__(self) -> str:
        return without_password(self.whole())

    def whole(self: Any) -> str:
        """With the password."""
        options, path = self.storage_options, self.path
        if "base_url" in options:  # of WebDAV
            return f"webdav+{options['base_url'].rstrip('/')}/{path.lstrip('/')}"
        if "account_name" in options:  # of Azure
            container, _, rest = path.partition("/")
            return f"{self.protocol}://{container}@{options['account_name']}.dfs.core.windows.net/{rest}"
        if "host" not in options:
            return str(super().__str__())
        user = options.get("username") or options.get("user")
        password = f":{options['password']}" if "password" in options else ""
        port = f":{options['port']}" if "port" in options else ""
        server = f"{user}{password}@{options['host']}{port}" if user else f"{options['host']}{port}"
        return f"{self.protocol}://{server}/{path.lstrip('/')}"


def without_password(url: str) -> str:
    """To be shown, and put into reports."""
    return PASSWORD.sub(r"\1@", url)


def text_of(place: UPath) -> str:
    """From which `at` finds it again on another machine: the password is in it, so it is not to be shown."""
    return str(place.whole() if isinstance(place, _Told) else place)


def _told(found: UPath) -> UPath:
    """As one whose text is its URL, and likewise all that are made from it."""
    kind: Any = type(found)
    kept = {"host", "base_url", "account_name"}.intersection(found.storage_options)
    if isinstance(found, _Told) or not (kept or without_password(str(found)) != str(found)):
        return found
    from upath.registry import get_upath_class, register_implementation

    if not issubclass(get_upath_class(found.protocol) or kind, _Told):
        register_implementation(found.protocol, type(kind.__name__, (_Told, kind), {"__slots__": ()}), clobber=True)
    return found.with_segments(found.path)


def at(url: str) -> UPath:
    """Raises UsageError for a URL that nothing here can read."""
    scheme, _, rest = url.partition("://")
    protocol = ALIASES.get(scheme.lower(), scheme.lower())
    extra = EXTRAS.get(protocol, "urls")
    # These begin another URL for fsspec, or options, but are only parts of a name here.
    mark = re.search("::" if protocol in READ_ONLY else "::|[?#]", rest)
    cut = rest.rfind("/", 0, mark.start()) + 1 if mark else len(rest)
    try:
        from upath import UPath

        found = _told(UPath(f"{protocol}://{rest[:cut]}"))
        if mark:
            found = found / rest[cut:]
        _files(found)
    except ImportError as error:
        shown = without_password(url)
        raise UsageError(f"{shown} takes the extra [{extra}]: pip install 'denoise-img[{extra}]' ({error})") from error
    except Exception as error:  # of any kind: each store's package has its own
        shown = without_password(url)
        raise UsageError(f"{shown} is no path, and no URL that can be used ({error})") from error
    return found


def writable(place: UPath) -> bool:
    return place.protocol not in READ_ONLY


def exists(place: UPath) -> bool:
    return _kind(place) is not None


def is_folder(place: UPath) -> bool:
    """Raises UsageError for one of a web server."""
    if not writable(place) and place.path.endswith("/"):
        raise UsageError(f"{place} is a folder on the web, where none can be listed; name pictures, or a list of them")
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
    if "" in folders:
        folders.remove("")
        unreadable(folder, EMPTY)
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
    """The names of a folder's folders and files. S3 may have names below one without a name, which UPath cannot say."""

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
            if folder.protocol == "s3" and entry["type"] == "directory":
                folders.append("")
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
            try:
                patiently(place, lambda files: files.put_file(str(path), place.path))
            except FileNotFoundError as error:
                bucket = place.path.strip("/").partition("/")[0]
                raise FileNotFoundError(error.errno, f"there is no bucket {bucket}", str(place)) from error
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
