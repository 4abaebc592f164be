"""One way to look at places, whether they are paths or URLs."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, Union
from urllib.parse import unquote_to_bytes, urlsplit

from denoise_cli.errors import UsageError
from denoise_cli.places import files

if TYPE_CHECKING:
    from upath import UPath

Place: TypeAlias = Union[Path, "UPath"]
URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
FOLDING = {"darwin", "win32"}  # where `A.png` and `a.png` are mostly one file
Unreadable = Callable[[Place, str], None]


def place(text: str | os.PathLike[str]) -> Place:
    """What a user names: a path, or something like `s3://bucket/pictures`.

    What URLs take is only imported when there is one. Raises UsageError for one that nothing here can read, and for
    the empty name, which for the system is the current folder and for users a variable that is not set.
    """
    text = os.fspath(text)
    if URL.match(text) is None:
        return local(text)
    if text.lower().startswith("file://"):
        machine, slash, path = text[len("file://") :].partition("/")
        if machine not in ("", "localhost"):
            raise UsageError(f"{text} lies on another machine, {machine}; file:///... is on this one")
        return local(os.fsdecode(unquote_to_bytes(slash + path)))
    from denoise_cli.places import stores

    return stores.at(text)


def local(text: str) -> Path:
    """A path, where only paths can be. Raises UsageError for the empty name and for URLs."""
    if URL.match(text):
        raise UsageError(f"{text} is a URL, and this takes a path")
    if not text:
        raise UsageError("an empty name names no file; a dot is the current folder")
    return Path(text)


def text_of(place: Place) -> str:
    """A place's whole name, by which `place` finds it on other machines. A URL's password is in it: not to be shown."""
    if isinstance(place, Path):
        return str(place.absolute())
    from denoise_cli.places import stores

    return stores.text_of(place)


def name_of(place: Place) -> str:
    """A file's name, without what a web server is asked besides."""
    if isinstance(place, Path) or writable(place):
        return place.name
    return PurePosixPath(urlsplit(str(place)).path).name


def suffix_of(place: Place) -> str:
    """In small letters, with its dot."""
    return PurePosixPath(name_of(place)).suffix.lower()


def writable(place: Place) -> bool:
    """Whether results may go there; of web servers they may not."""
    if isinstance(place, Path):
        return True
    from denoise_cli.places import stores

    return stores.writable(place)


def exists(place: Place) -> bool:
    if isinstance(place, Path):
        return os.path.exists(place)  # which says no where pathlib raises, as for a path that is too long
    from denoise_cli.places import stores

    return stores.exists(place)


def is_folder(place: Place) -> bool:
    if isinstance(place, Path):
        return os.path.isdir(place)
    from denoise_cli.places import stores

    return stores.is_folder(place)


def is_file(place: Place) -> bool:
    return os.path.isfile(place) if isinstance(place, Path) else exists(place) and not is_folder(place)


def resolved(place: Place) -> str:
    """A place's name without links, `.` and `..`."""
    return os.path.realpath(place) if isinstance(place, Path) else str(place).rstrip("/")


def identity(place: Place) -> str:
    """The same for all names of one place: to compare, and not to open."""
    there = resolved(place)
    folded = isinstance(place, Path) and sys.platform in FOLDING
    return unicodedata.normalize("NFC", there).casefold() if folded else there


def own_name(folder: Place) -> str:
    """Of a folder; that of `.` and `..` is the one they have where they lie."""
    return Path(resolved(folder)).name


def walk(folder: Place, unreadable: Unreadable) -> Iterator[tuple[Place, list[str], list[str]]]:
    """Each folder from there on with the names of its folders and files, like os.walk: who removes one of the former
    keeps it from being walked. Links to folders are not followed; `unreadable` hears which could not be read and why.
    """
    if not isinstance(folder, Path):
        from denoise_cli.places import stores

        yield from stores.walk(folder, unreadable)
        return

    def failed(error: OSError) -> None:
        unreadable(Path(str(error.filename)), error.strerror or str(error))

    for here, folders, names in os.walk(folder, onerror=failed):
        yield Path(here), folders, names


def reading(place: Place) -> AbstractContextManager[BinaryIO]:
    """A file's content, seekable. Raises OSError when it cannot be read."""
    if isinstance(place, Path):
        return place.open("rb")
    from denoise_cli.places import stores

    return stores.reading(place)


def replacing(place: Place) -> AbstractContextManager[BinaryIO]:
    """A new file that takes the place of another when the block ends well, whole or not at all, its folder made first.

    Raises OSError.
    """
    if isinstance(place, Path):
        place.parent.mkdir(parents=True, exist_ok=True)
        return files.replacing(place)
    from denoise_cli.places import stores

    return stores.replacing(place)


def copied(url: str) -> Path:
    """A copy on this machine of what is behind a URL, until the program ends. Raises UsageError."""
    found = place(url)
    if isinstance(found, Path):
        return found
    from denoise_cli.places import stores

    try:
        return stores.copied(found)
    except OSError as error:
        raise UsageError(f"{found} cannot be read ({error.strerror})") from error
