"""TIFF tags and directories as raw bytes, so that they can be carried from file to file unchanged.

EXIF data are themselves a small TIFF structure, so the same functions serve for them.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, BinaryIO

import numpy as np
import tifffile

from denoise_cli.errors import PictureError
from denoise_cli.images.image import Metadata

Tag = tuple[int, int, int, bytes | int, bool]  # code, type, count, value in the file's byte order, write once
Entry = tuple[int, int, int, bytes]  # the same of a sub-directory
Rational = tuple[int, int]

EXIF, GPS, INTEROPERABILITY = 34665, 34853, 40965
# tifffile writes no sub-directories. It writes these unassigned neighbours of their tags, which then become them.
PLACEHOLDERS = {EXIF: 34664, GPS: 34854}
ICC, XMP, COLORMAP, RESOLUTION_UNIT = 34675, 700, 320, 296
RESOLUTIONS = (282, 283)
# Of a picture's encoding or layout, and thus the encoder's business.
ENCODING = {254, 255, 256, 257, 258, 259, 262, 264, 265, 266, 273, 277, 278, 279, 282, 283, 284, 288, 289, 292,
            293, 296, 317, 320, 321, 322, 323, 324, 325, 330, 338, 339, 347, 400, 512, 513, 514, 515, 517,
            518, 519, 520, 521, 529, 530, 531, 532, 559, 32997, 32998, EXIF, GPS, INTEROPERABILITY}  # fmt: skip
# The tags of EXIF's first directory: description, maker, model, orientation, software, time, artist, copyright.
DESCRIPTIVE = {270, 271, 272, 274, 305, 306, 315, 33432}
WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
LARGEST_VALUE = 1 << 26
ALPHAS, PREMULTIPLIED = (1, 2), 1  # kinds of further channels


@dataclass(frozen=True)
class Directories:
    """The entries of a page's EXIF and GPS directories, and of the one on interoperability that lies in the former;
    empty where there are none.
    """

    exif: tuple[Entry, ...] = ()
    gps: tuple[Entry, ...] = ()
    interoperability: tuple[Entry, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.exif or self.gps)

    def present(self) -> list[int]:
        """The tag of each that is there."""
        return [code for code, entries in ((EXIF, self.exif), (GPS, self.gps)) if entries]


@dataclass(frozen=True)
class TiffBaggage:
    """How a page was laid out in its file, its tags, and its EXIF and GPS directories."""

    order: str
    big: bool
    photometric: str
    compression: str
    predictor: bool
    planar: bool
    tile: tuple[int, int] | None
    extra: tuple[int, ...]
    resolution: tuple[Rational, Rational] | None
    unit: int
    subfile: int
    tags: tuple[Tag, ...] = field(repr=False)
    directories: Directories = field(repr=False)
    format: str = "tiff"

    def metadata(self) -> Metadata:
        raw = {tag[0]: tag[3] for tag in self.tags if isinstance(tag[3], bytes)}
        dpi = None
        if self.resolution and self.unit in (2, 3):
            scale = 1.0 if self.unit == 2 else 2.54
            across, down = (number / of * scale for number, of in self.resolution)
            dpi = (across, down)
        return Metadata(raw.get(ICC), self._exif(), raw.get(XMP), dpi)

    def _exif(self) -> bytes | None:
        """EXIF data made of the descriptive tags and the directories; None where there are none of either."""
        first: list[Entry] = [(c, t, n, v) for c, t, n, v, _ in self.tags if c in DESCRIPTIVE and isinstance(v, bytes)]
        if not first and not self.directories:
            return None
        if self.resolution:
            pairs = zip(RESOLUTIONS, self.resolution, strict=True)
            first += [(code, 5, 1, struct.pack(self.order + "II", *pair)) for code, pair in pairs]
            first.append((RESOLUTION_UNIT, 3, 1, struct.pack(self.order + "H", self.unit)))
        blob = bytearray(b"\0" * 8)
        for code in self.directories.present():
            first.append((code, 4, 1, struct.pack(self.order + "I", len(blob))))
            blob += _placed(self.directories, code, len(blob), self.order, big=False)
        start = len(blob)
        blob += _packed(tuple(first), start, self.order, big=False)
        blob[:8] = struct.pack(self.order + "2sHI", b"II" if self.order == "<" else b"MM", 42, start)
        return bytes(blob)


def rational(value: Any) -> Rational | None:
    """A resolution as TIFF writes it; None for what is none, such as 0/0."""
    try:
        exact = Fraction(*value) if isinstance(value, tuple) else Fraction(float(value)).limit_denominator(10_000)
    except (TypeError, ValueError, ArithmeticError):
        return None
    if isinstance(value, tuple):
        return (int(value[0]), int(value[1])) if exact > 0 else None
    return (exact.numerator, exact.denominator) if 0 < exact < 1 << 18 else None


def count_pages(file: BinaryIO, order: str, big: bool) -> int:
    """How many directories a TIFF has.

    Raises PictureError if the chain of them breaks off, where tifffile would make do with those ahead of the break.
    """
    count_code, place_code, entry = ("Q", "Q", 20) if big else ("H", "I", 12)
    count_size, place_size = struct.calcsize(count_code), struct.calcsize(place_code)
    seen: set[int] = set()
    size = file.seek(0, io.SEEK_END)
    file.seek(8 if big else 4)
    place = file.read(place_size)
    while len(place) == place_size and (offset := struct.unpack(order + place_code, place)[0]):
        if offset in seen:
            raise PictureError("is damaged: its pages go round in a circle")
        seen.add(offset)
        if offset + count_size > size:
            break
        file.seek(offset)
        (count,) = struct.unpack(order + count_code, file.read(count_size))
        if offset + count_size + entry * count > size:
            break
        file.seek(offset + count_size + entry * count)
        place = file.read(place_size)
    else:
        if len(place) == place_size:
            return len(seen)
    raise PictureError(f"is cut short behind page {len(seen) - 1}" if len(seen) > 1 else "is cut short")


def carried_tags(page: tifffile.TiffPage) -> tuple[Tag, ...]:
    """All tags of a page that describe the picture and not its encoding. Raises PictureError for damaged ones."""
    file = page.parent.filehandle
    tags: list[Tag] = []
    total = 0
    for tag in page.tags:
        length, place = tag.valuebytecount, _place(tag, page)
        if tag.code in ENCODING or tag.code in PLACEHOLDERS.values() or place + length > file.size:
            continue
        total += length
        if total > file.size:  # as of many tags with one value, which would take any amount of memory
            raise PictureError("is damaged: its tags hold more than the file")
        file.seek(place)
        tags.append((tag.code, int(tag.dtype), tag.count, file.read(length), False))
    return tuple(tags)


def _place(tag: tifffile.TiffTag, page: tifffile.TiffPage) -> int:
    """Where a tag's value stands. Of tags that tifffile interprets, `valueoffset` is what the value points to."""
    head, inline = (12, 8) if page.parent.is_bigtiff else (8, 4)
    return tag.offset + head if tag.valuebytecount <= inline else tag.valueoffset


def directories_of(page: tifffile.TiffPage) -> Directories:
    """The EXIF and GPS directories that a page points to."""
    file, found = page.parent.filehandle, {}
    for code in (EXIF, GPS):
        if (tag := page.tags.get(code)) is not None:
            file.seek(_place(tag, page))
            (offset,) = struct.unpack(page.parent.byteorder + ("Q" if tag.valuebytecount == 8 else "I"),
                                      file.read(tag.valuebytecount))  # fmt: skip
            found[code] = _entries(file, offset, page.parent.byteorder, page.parent.is_bigtiff)
    exif, inner = found.get(EXIF, ()), tuple[Entry, ...]()
    for code, _, _, value in exif:
        if code == INTEROPERABILITY:
            offset = int.from_bytes(value, "little" if page.parent.byteorder == "<" else "big")
            inner = _entries(file, offset, page.parent.byteorder, page.parent.is_bigtiff)
    own = tuple(entry for entry in exif if entry[0] != INTEROPERABILITY)
    return Directories(own, found.get(GPS, ()), inner)


def from_exif(exif: bytes) -> tuple[str, tuple[Tag, ...], Directories]:
    """Byte order, descriptive tags and directories of EXIF data; nothing where they are too damaged to be read."""
    try:
        with tifffile.TiffFile(io.BytesIO(exif)) as tiff:
            page = tiff.pages.first
            tags = tuple(tag for tag in carried_tags(page) if tag[0] in DESCRIPTIVE)
            return tiff.byteorder, tags, directories_of(page)
    except Exception:  # of many types
        return "<", (), Directories()


@dataclass(frozen=True)
class Patch:
    """What a page still lacks when tifffile has written it: directories, and the true size of a small palette."""

    directories: Directories
    colors: int | None = None


def paste(file: BinaryIO, patches: list[Patch]) -> None:
    """Completes the pages of a TIFF that was written with `PLACEHOLDERS` and with palettes of 256 entries."""
    if not any(patch.directories or (patch.colors or 256) < 256 for patch in patches):
        return
    file.seek(0)  # a TIFF begins, to tifffile, where the file stands
    with tifffile.TiffFile(file) as tiff:
        order, big = tiff.byteorder, tiff.is_bigtiff
        places, palettes = [], []
        for number, patch in enumerate(patches):
            page = tiff.pages.get(number, validate=False, aspage=True)
            assert isinstance(page, tifffile.TiffPage)
            for code in patch.directories.present():
                tag = page.tags[PLACEHOLDERS[code]]
                places.append((tag.offset, tag.valueoffset, code, patch.directories))
            if patch.colors and page.bitspersample < 8 and page.colormap is not None:
                tag = page.tags[COLORMAP]
                palettes.append((tag.offset, tag.valueoffset, page.colormap[:, : 1 << page.bitspersample]))
    for entry_at, value_at, code, directories in places:
        end = file.seek(0, io.SEEK_END)
        offset = end + end % 2  # directories begin at even places
        file.write(b"\0" * (offset - end) + _placed(directories, code, offset, order, big))
        file.seek(entry_at)
        file.write(struct.pack(order + "H", code))
        file.seek(value_at)
        file.write(struct.pack(order + ("Q" if big else "I"), offset))
    for entry_at, value_at, palette in palettes:
        file.seek(entry_at + 4)  # behind code and type
        file.write(struct.pack(order + ("Q" if big else "I"), palette.size))
        file.seek(value_at)
        file.write(np.ascontiguousarray(palette, order + "u2").tobytes())


def _entries(file: BinaryIO | tifffile.FileHandle, offset: int, order: str, big: bool) -> tuple[Entry, ...]:
    """What a directory holds."""
    count_code, entry_code, inline = ("Q", "HHQ", 8) if big else ("H", "HHI", 4)
    file.seek(offset)
    (count,) = struct.unpack(order + count_code, file.read(struct.calcsize(count_code)))
    head = struct.calcsize("=" + entry_code)
    table = file.read(min(count, 4096) * (head + inline))
    entries: list[Entry] = []
    for at in range(0, len(table) - head - inline + 1, head + inline):
        code, kind, number = struct.unpack_from(order + entry_code, table, at)
        length = WIDTHS.get(kind, 0) * number
        if not 0 < length <= LARGEST_VALUE:
            continue
        value = table[at + head : at + head + length]
        if length > inline:
            (place,) = struct.unpack_from(order + ("Q" if big else "I"), table, at + head)
            file.seek(place)
            value = file.read(length)
        if len(value) == length:
            entries.append((code, kind, number, value))
    return tuple(entries)


def _placed(directories: Directories, code: int, offset: int, order: str, big: bool) -> bytes:
    """A directory that will stand at `offset`, and behind it that which lies in it."""
    inner = directories.interoperability
    if code == GPS or not inner:
        return _packed(directories.gps if code == GPS else directories.exif, offset, order, big)

    def pointer(place: int) -> Entry:
        return INTEROPERABILITY, 16 if big else 4, 1, struct.pack(order + ("Q" if big else "I"), place)

    end = offset + len(_packed((*directories.exif, pointer(0)), offset, order, big))
    return _packed((*directories.exif, pointer(end)), offset, order, big) + _packed(inner, end, order, big)


def _packed(entries: tuple[Entry, ...], offset: int, order: str, big: bool) -> bytes:
    """A directory that will stand at `offset`, its long values behind it."""
    count_code, entry_code, inline = ("Q", "HHQ", 8) if big else ("H", "HHI", 4)
    place_code = "Q" if big else "I"
    table = struct.pack(order + count_code, len(entries))
    behind = bytearray()
    after = offset + len(table) + len(entries) * (struct.calcsize("=" + entry_code) + inline) + inline
    for code, kind, number, value in sorted(entries):
        table += struct.pack(order + entry_code, code, kind, number)
        if len(value) <= inline:
            table += value.ljust(inline, b"\0")
        else:
            table += struct.pack(order + place_code, after + len(behind))
            behind += value + b"\0" * (len(value) % 2)
    return table + b"\0" * inline + bytes(behind)
