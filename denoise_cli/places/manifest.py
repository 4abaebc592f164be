"""Lists of pictures: a name a line, a column of a table. Read bit by bit, as there may be millions."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import urlsplit

from denoise_cli.errors import UsageError
from denoise_cli.places.place import URL, Place, is_file, place, reading, suffix_of, writable

SUFFIXES = {".txt", ".csv", ".parquet"}
COLUMN = "path"  # of tables, in small or large letters; if there is none of that name, the first
USER = re.compile(r"^[^/]*@")  # before a server's name
AZURE = {"az", "abfs", "abfss"}  # where a container's name is before the @
ROWS = 1000  # of a Parquet file that are in memory at a time


def _refuse(error: UsageError) -> None:
    raise error


def listed(
    manifest: Place, wrong: Callable[[UsageError], None] = _refuse, *, in_place: bool = False
) -> Iterator[tuple[Place, PurePosixPath]]:
    """The pictures that a manifest names, each with its own place below the output.

    A relative name is looked up beside the manifest, and keeps its folders below the output; of another, path or URL,
    everything is kept but the first slash or what is before `://` and the user's name.
    `wrong` hears of a row that names nothing or what cannot be used, such as a place outside of the output (`..`),
    which does not matter `in_place`.
    Raises UsageError for a manifest that cannot be read, is none, or names no picture.
    """
    rows = 0
    try:
        with reading(manifest) as file:
            for rows, name in enumerate(map(str.strip, _names(file, manifest)), 1):
                if "\0" in name:
                    raise UsageError(f"{manifest} is no list of names: it has zero bytes; save it as UTF-8")
                try:
                    if not name:
                        raise UsageError(f"{manifest} has a row, number {rows}, without a name")
                    source, below = _found(name, manifest)
                    if ".." in below.parts and not in_place:
                        what = f"{manifest} names {source}, whose result would lie outside of the output folder"
                        raise UsageError(what)
                    yield source, below
                except UsageError as error:
                    wrong(error)
        if not rows:
            raise UsageError(f"{manifest} names no picture")
    except OSError as error:
        raise UsageError(f"{manifest} cannot be read ({error.strerror or error})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{manifest} is no list of names ({error})") from error


def _found(name: str, manifest: Place) -> tuple[Place, PurePosixPath]:
    """The picture of a name, and its place. Raises UsageError for one that cannot be used."""
    source = place(name)
    if URL.match(name) is None and not source.is_absolute():
        source, below = manifest.parent / name, name
    elif isinstance(source, Path):
        below = str(source)
    else:
        below = URL.sub("", name) if writable(source) else urlsplit(name).netloc + urlsplit(name).path
        if source.protocol not in AZURE:
            below = USER.sub("", below)
    return source, PurePosixPath(below.lstrip("/"))


def _names(file: BinaryIO, manifest: Place) -> Iterator[str]:
    suffix = suffix_of(manifest)
    if suffix == ".parquet":
        yield from _of_parquet(file, manifest)
        return
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="" if suffix == ".csv" else None)
    if suffix == ".txt":
        names = map(str.strip, text)
        yield from (name for name in names if name and not name.startswith("#"))
        return
    rows = (row for row in csv.reader(text, strict=True) if any(map(str.strip, row)))
    heads = next(rows, [""])
    column = _column(heads)
    if column is None and _is_picture(manifest, heads[0].strip()):
        yield heads[0]  # a table without heads
    column = column or 0
    yield from (row[column] if len(row) > column else "" for row in rows)


def _column(heads: Sequence[str]) -> int | None:
    """Of the paths, if one is named so."""
    plain = [head.strip().casefold() for head in heads]
    return plain.index(COLUMN) if COLUMN in plain else None


def _is_picture(manifest: Place, name: str) -> bool:
    """And not a column's heading: it has a suffix, or there is such a file."""
    if PurePosixPath(name).suffix:
        return True
    return name != "" and URL.match(name) is None and is_file(manifest.parent / name)


def _of_parquet(file: BinaryIO, manifest: Place) -> Iterator[str]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise UsageError(
            f"{manifest} takes the package pyarrow: pip install 'denoise-img[ray]', or write the names as text"
        ) from error
    try:
        table = parquet.ParquetFile(file)
        heads = table.schema_arrow.names
        column = heads[_column(heads) or 0]
        for batch in table.iter_batches(batch_size=ROWS, columns=[column]):
            yield from (os.fsdecode(name or "") for name in batch.column(0).to_pylist())
    except (ArrowException, LookupError, TypeError) as error:
        raise UsageError(f"{manifest} is no Parquet file with a column of names ({error})") from error
