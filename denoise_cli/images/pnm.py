"""PBM, PGM, PPM and PAM, plain and binary, any maximum value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from denoise_cli.errors import PictureError
from denoise_cli.images.codec import Codec, Opened, SaveOptions
from denoise_cli.images.image import Image, Metadata, Mode, PixelFormat, Samples, stored, to_samples

TOKEN = re.compile(rb"(?:\s|#[^\r\n]*[\r\n])*(\d{1,10})")
COMMENT = re.compile(rb"#[^\r\n]*")
ANOTHER = re.compile(rb"\s*P[1-7]\s")
SPACE = b" \t\n\v\f\r"
MODES: dict[str, Mode] = {"BLACKANDWHITE": "bilevel", "GRAYSCALE": "gray", "RGB": "rgb"}
CHANNELS = {"bilevel": 1, "gray": 1, "rgb": 3}
PLAIN = (1, 2, 3)
LARGEST_MAXIMUM = 65535


@dataclass(frozen=True)
class PnmBaggage:
    """Which of the formats it is, `P1` to `P7`."""

    kind: int
    format: str = "pnm"

    def metadata(self) -> Metadata:
        return Metadata()


@dataclass(frozen=True)
class _Header:
    kind: int
    width: int
    height: int
    mode: Mode
    alpha: bool
    maximum: int
    end: int

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.height, self.width, CHANNELS[self.mode] + self.alpha


def read(file: BinaryIO) -> Opened:
    data = file.read()
    header = _any_header(data)
    samples = _plain(data, header) if header.kind in PLAIN else _binary(data, header)
    samples = samples.reshape(header.shape)
    form = PixelFormat(
        header.mode,
        np.dtype(np.uint8 if header.maximum < 256 else np.uint16),
        header.maximum.bit_length(),
        float(header.maximum),
        inverted=header.kind in (1, 4),  # 1 is black in PBM, and in it only
        maximum=float(header.maximum),
    )
    alpha: Samples | None = None
    if header.alpha:
        samples, alpha = samples[:, :, :-1], samples[:, :, -1].astype(form.dtype)
    return Opened.of_one("pnm", Image(stored(samples, form), form, alpha, PnmBaggage(header.kind)))


def write(file: BinaryIO, images: Iterator[Image], options: SaveOptions) -> None:
    image = next(images)
    form, alpha, kind = image.format, image.alpha, _kind(image)
    samples = to_samples(image.source, form)
    del image
    if form.mode == "bilevel" and form.inverted != (kind in (1, 4)):
        samples = 1 - samples
    if alpha is not None:
        samples = np.concatenate([samples, alpha[:, :, None]], axis=2)
    height, width, depth = samples.shape
    if kind == 7:
        name = next(name for name, mode in MODES.items() if mode == form.mode) + ("" if alpha is None else "_ALPHA")
        lines = [f"WIDTH {width}", f"HEIGHT {height}", f"DEPTH {depth}", f"MAXVAL {form.largest:.0f}"]
        head = "\n".join(["P7", *lines, f"TUPLTYPE {name}", "ENDHDR", ""])
    else:
        head = f"P{kind}\n{width} {height}\n" + ("" if kind in (1, 4) else f"{form.largest:.0f}\n")
    file.write(head.encode())
    if kind in PLAIN:
        for row in samples.reshape(height, -1):
            # No line may be longer than 70 characters: twelve samples of five digits, each with a space, are 72.
            for at in range(0, len(row), 11):
                file.write((" ".join(map(str, row[at : at + 11].tolist())) + "\n").encode())
    elif kind == 4:
        file.write(np.packbits(samples[:, :, 0], axis=1).tobytes())
    else:
        file.write(np.ascontiguousarray(samples, ">u2" if form.largest > 255 else np.uint8).data)


def _kind(image: Image) -> int:
    if isinstance(image.baggage, PnmBaggage):
        return image.baggage.kind
    if image.alpha is not None:
        return 7
    return {"bilevel": 4, "gray": 5}.get(image.format.mode, 6)


def extent(file: BinaryIO) -> tuple[int, int]:
    """Width and height; nothing else is looked at."""
    header = _any_header(file.read())
    return header.width, header.height


def _any_header(data: bytes) -> _Header:
    header = _pam_header(data) if data.startswith(b"P7") else _header(data)
    if not (header.width > 0 and header.height > 0 and 1 <= header.maximum <= LARGEST_MAXIMUM):
        raise PictureError(
            f"is damaged: {header.width}x{header.height} pixels with values up to {header.maximum} is no PNM"
        )
    return header


def _header(data: bytes) -> _Header:
    kind, at, values = data[1] - ord("0"), 2, []
    for _ in range(2 if kind in (1, 4) else 3):
        found = TOKEN.match(data, at)
        if found is None:
            raise PictureError("is damaged: its PNM header is not complete")
        values.append(int(found[1]))
        at = found.end()
    modes: dict[int, Mode] = {1: "bilevel", 2: "gray", 3: "rgb"}
    return _Header(kind, values[0], values[1], modes[(kind - 1) % 3 + 1], False, [*values, 1][2], at + 1)


def _pam_header(data: bytes) -> _Header:
    end = data.find(b"ENDHDR\n")
    lines = [line.split(None, 1) for line in data[2 : max(end, 0)].splitlines() if line[:1] != b"#"]
    fields = {line[0].decode("latin-1"): line[1].decode("latin-1").strip() for line in lines if len(line) == 2}
    try:
        width, height, depth, maximum = (int(fields[name]) for name in ("WIDTH", "HEIGHT", "DEPTH", "MAXVAL"))
    except (KeyError, ValueError):
        raise PictureError("is damaged: its PAM header is not complete") from None
    usual = {1: "GRAYSCALE", 2: "GRAYSCALE_ALPHA", 3: "RGB", 4: "RGB_ALPHA"}.get(depth, "nothing usual")
    name = fields.get("TUPLTYPE", usual)
    mode, alpha = MODES.get(name.removesuffix("_ALPHA")), name.endswith("_ALPHA")
    if mode is None or depth != CHANNELS[mode] + alpha or (mode == "bilevel" and maximum != 1):
        raise PictureError(f"is a PAM of a kind that is not supported ({name} of {depth} channels)")
    return _Header(7, width, height, mode, alpha, maximum, end + len(b"ENDHDR\n"))


def _plain(data: bytes, header: _Header) -> Samples:
    text, count = COMMENT.sub(b"", data[header.end - 1 :]), int(np.prod(header.shape, dtype=object))
    if header.kind == 1:  # digits need no space between them
        text = text.translate(None, SPACE)
        wrong = text[:count].translate(None, b"01")
        samples = np.frombuffer(text[:count], np.uint8) - ord("0")
    else:
        words = text.split(None, count)[:count]
        wrong = b"".join(words).translate(None, b"0123456789")
        wide = [] if wrong else [min(int(word[:10]), LARGEST_MAXIMUM) for word in words]
        samples = np.array(wide, np.uint16)
    if wrong:
        raise PictureError("is damaged: it has something else than numbers among its samples")
    _check(len(samples), count)
    return samples


def _binary(data: bytes, header: _Header) -> Samples:
    height, width, depth = header.shape
    row = (width + 7) // 8 if header.kind == 4 else width * depth
    dtype = np.dtype(">u2" if header.maximum > 255 else np.uint8)
    _check((len(data) - header.end) // dtype.itemsize, height * row)
    samples = np.frombuffer(data, dtype, height * row, header.end)
    if ANOTHER.match(data, header.end + samples.nbytes):
        raise PictureError("holds several pictures, of which one would be kept; split it, or make a TIFF of it")
    if header.kind != 4:
        return samples
    return np.unpackbits(samples.view(np.uint8).reshape(height, row), axis=1)[:, :width]


def _check(there: int, needed: int) -> None:
    if there < needed:
        raise PictureError(f"is cut short: it has {max(there, 0)} of {needed} samples")


CODEC = Codec(
    "pnm",
    (".pnm", ".pgm", ".ppm", ".pbm", ".pam"),
    lambda start: start[:1] == b"P" and start[1:2] in b"1234567" and start[2:3].isspace(),
    read,
    write,
    modes=frozenset({"gray", "rgb", "bilevel"}),
    bits=(1, 8, 16),
    alpha=True,
    opaque=(".pgm", ".ppm", ".pbm"),  # for which PAM would be needed
)
