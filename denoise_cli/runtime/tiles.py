"""Tiles whose seams are exact. Only geometry and numpy: classical filters and networks share it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from denoise_cli.images.image import Canvas, Pixels, Stored

Span = tuple[int, int]  # first, last + 1

# What is read is a multiple of this, unless the picture is smaller. oneDNN's convolutions for AMX take up to five times
# as long for some widths above 256 that have no small factors (7x7x128 at 271 pixels: 0.6 TFLOP/s, at 272: 2.8).
GRAIN = 16


@dataclass(frozen=True)
class Tile:
    """One tile: its rows and its columns.

    `write` is the part of the picture that the tile's result fills, `read` the larger part that it is computed from.
    What is read may reach beyond the picture's bottom and right, up to the size padded to the network's multiple.
    """

    write: tuple[Span, Span]
    read: tuple[Span, Span]


def plan(height: int, width: int, *, tile: tuple[int, int] | None, margin: int, multiple: int = 1) -> Iterator[Tile]:
    """Tiles that cover a picture; with `tile` None, one.

    `tile` is the height and width that are read at once, at most; where they leave no room between the margins, they
    grow. Every tile is read with at least `margin` pixels more than it writes on each side that is not the picture's
    own edge. With a margin of at least the receptive-field radius, a tile's result is that of the whole picture: the
    network's zero padding at a tile's edge does not reach what is kept. Tiles begin at multiples of `multiple`, so that
    a network that downsamples meets the same grid in every tile.
    """
    margin = _up(max(margin, multiple - 1), multiple)
    down, across = (None, None) if tile is None else tile
    columns = _spans(width, across, margin, multiple)
    for write_rows, read_rows in _spans(height, down, margin, multiple):
        for write_columns, read_columns in columns:
            yield Tile(write=(write_rows, write_columns), read=(read_rows, read_columns))


def _spans(length: int, side: int | None, margin: int, multiple: int) -> list[tuple[Span, Span]]:
    """What is written and what is read along one axis: as few spans as possible, all reading the same length."""
    padded, grain = _up(length, multiple), math.lcm(GRAIN, multiple)
    largest = padded if side is None else max(side, _up(2 * margin + 1, grain))
    if largest >= padded:
        return [((0, length), (0, padded))]
    largest = largest // grain * grain
    count = -(-(padded - 2 * margin) // (largest - 2 * margin))
    side = _up(-(-(padded + (count - 1) * 2 * margin) // count), grain)  # evenly: none is a mere strip
    spans: list[tuple[Span, Span]] = []
    written = 0
    while written < length:
        start = min(max(0, written - margin), padded - side)
        end = start + side
        until = length if end == padded else end - margin
        spans.append(((written, until), (start, end)))
        written = until
    return spans


def cut(pixels: Pixels | Stored, tile: Tile) -> Pixels:
    """What a tile reads, `[height, width, channels]`; beyond the picture's edge its mirror image."""
    (top, bottom), (left, right) = tile.read
    part = pixels[top:bottom, left:right]
    below, beside = bottom - top - part.shape[0], right - left - part.shape[1]
    return np.pad(part, ((0, below), (0, beside), (0, 0)), mode="symmetric") if below or beside else part


def paste(result: Pixels | Canvas, tile: Tile, part: Pixels) -> None:
    """Puts what was computed from `cut(picture, tile)` where it belongs."""
    (top, bottom), (left, right) = tile.write
    down, across = top - tile.read[0][0], left - tile.read[1][0]
    result[top:bottom, left:right] = part[down : down + bottom - top, across : across + right - left]


def apply(
    function: Callable[[Pixels], Pixels],
    pixels: Pixels | Stored,
    tiles: Iterable[Tile],
    result: Pixels | Canvas,
    progress: Callable[[int, int], None] | None = None,
    *,
    at_once: int = 1,
) -> None:
    """The function on every tile, put together in `result`; on so many at a time, each in a thread of its own."""
    total, done = pixels.shape[0] * pixels.shape[1], 0
    for tile, part in _computed(lambda tile: function(cut(pixels, tile)), tiles, at_once):
        if isinstance(result, Canvas):
            result.settle(tile.read[0][0])  # the tiles to come read no higher: they are in the order of their rows
        paste(result, tile, part)
        (top, bottom), (left, right) = tile.write
        done += (bottom - top) * (right - left)
        if progress is not None:
            progress(done, total)


def _computed(function: Callable[[Tile], Pixels], tiles: Iterable[Tile], at_once: int) -> Iterator[tuple[Tile, Pixels]]:
    """In order, and only a little ahead of who asks."""
    if at_once == 1:
        yield from ((tile, function(tile)) for tile in tiles)
        return
    with ThreadPoolExecutor(at_once) as pool:
        under_way: deque[tuple[Tile, Future[Pixels]]] = deque()
        for tile in tiles:
            under_way.append((tile, pool.submit(function, tile)))
            if len(under_way) > at_once:
                yield under_way[0][0], under_way.popleft()[1].result()
        while under_way:  # no name holds a future that failed, or its error would keep what its thread had on the GPU
            yield under_way[0][0], under_way.popleft()[1].result()


def _up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple
