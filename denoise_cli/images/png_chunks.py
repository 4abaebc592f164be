"""What a PNG is made of."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PROFILE, TEXTS = b"iCCP", (b"tEXt", b"zTXt", b"iTXt")
LARGEST_TEXT = 1 << 26  # bytes, inflated


def chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The name of each chunk, where it begins, and where the next one does; the last may be cut short."""
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        yield name, at, at + 12 + length
        if name == b"IEND":  # whatever else hangs on the file is not the picture's
            return
        at += 12 + length


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def inflated(text: bytes) -> bytes | None:
    """A compressed text or profile; None where it is damaged or unreasonably large."""
    inflater = zlib.decompressobj()
    try:
        body = inflater.decompress(text, LARGEST_TEXT)
    except zlib.error:
        return None
    return None if inflater.unconsumed_tail else body


def without_texts(data: bytes) -> bytes:
    """A PNG without texts and profile, for Pillow.

    It refuses a picture where these are larger than 1 MB, as those of cameras and editors can be, unless it is told
    otherwise for the whole process.
    """
    at, kept = 0, []
    for name, start, end in chunks(data):
        if name == PROFILE or name in TEXTS:
            kept.append(data[at:start])
            at = end
    return b"".join([*kept, data[at:]]) if at else data
