"""Lists of pictures: a name a line, a column of a table. Read bit by bit, as there may be millions."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from denoise_cli.errors import UsageError
from denoise_cli.places.place import URL, Place, is_file, place, reading, suffix_of, writable

SUFFIXES = {".txt", ".csv", ".parquet"}
COLUMN = "path"  # of tables; if there is none of that name, the first
ROWS = 1000  # of a Parquet file that are in memory at a time


def listed(manifest: Place) -> Iterator[tuple[Place, PurePosixPath]]:
    """The pictures that a manifest names, each with its own place below the output.

    A relative name is looked up beside the manifest, and keeps its folders below the output; of another, path or URL,
    everything is kept but the first slash or what is before `://`.
    Raises UsageError for one that cannot be read, or that names a picture outside of the output (`..`).
    """
    try:
        with reading(manifest) as file:
            for name in _names(file, manifest):
                if "\0" in name:
                    raise UsageError(f"{manifest} is no list of names: it has zero bytes; save it as UTF-8")
                source = place(name)
                if URL.match(name) is None and not source.is_absolute():
                    source, below = manifest.parent / name, name
                elif isinstance(source, Path):
                    below = str(source)
                elif writable(source):
                    below = URL.sub("", name)
                else:
                    below = urlsplit(name).netloc + urlsplit(name).path
                path = PurePosixPath(below.lstrip("/"))
                if ".." in path.parts:
                    raise UsageError(f"{manifest} names {name}, whose result would lie outside of the output folder")
                yield source, path
    except OSError as error:
        raise UsageError(f"{manifest} cannot be read ({error.strerror or error})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{manifest} is no list of names ({error})") from error


def _names(file: BinaryIO, manifest: Place) -> Iterator[str]:
    suffix = suffix_of(manifest)
    if suffix == ".parquet":
        yield from _of_parquet(file, manifest)
        return
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="" if suffix == ".csv" else None)
    if suffix == ".txt":
        names = (line.rstrip("\n") for line in text)
        yield from (name for name in names if name.strip() and not name.startswith("#"))
        return
    rows = csv.reader(text)
    heads = next(rows, [])
    column = heads.index(COLUMN) if COLUMN in heads else 0
    if heads and COLUMN not in heads and _is_picture(manifest, heads[0]):
        yield heads[0]  # a table without heads
    yield from (row[column] for row in rows if len(row) > column and row[column])


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
        heads: list[Any] = table.schema_arrow.names
        column = COLUMN if COLUMN in heads else heads[0]
        for batch in table.iter_batches(batch_size=ROWS, columns=[column]):
            yield from (os.fsdecode(name) for name in batch.column(0).to_pylist() if name)
    except (ArrowException, LookupError, TypeError) as error:
        raise UsageError(f"{manifest} is no Parquet file with a column of names ({error})") from error
