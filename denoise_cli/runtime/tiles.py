"""Tiles whose seams are exact. Only geometry and numpy: classical filters and networks share it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from denoise_cli.images.image import Pixels


@dataclass(frozen=True)
class Tile:
    """One tile: rows and columns as (first, last + 1).

    `write` is the part of the picture that the tile's result fills, `read` the larger part that it is computed from.
    What is read may reach beyond the picture's bottom and right, up to the size padded to the network's multiple.
    """

    write: tuple[tuple[int, int], tuple[int, int]]
    read: tuple[tuple[int, int], tuple[int, int]]


def plan(height: int, width: int, *, tile: tuple[int, int] | None, margin: int, multiple: int = 1) -> Iterator[Tile]:
    """Tiles that cover a picture; with `tile` None, one.

    Every tile is read with `margin` pixels more on each side that is not the picture's own edge. With a margin of at
    least the receptive-field radius, a tile's result is that of the whole picture: the network's zero padding at a
    tile's edge does not reach what is kept. Tiles begin at multiples of `multiple`, so that a network that
    downsamples meets the same grid in every tile.
    """
    margin = _up(max(margin, multiple - 1), multiple)
    step = (_up(height, multiple), _up(width, multiple)) if tile is None else tuple(_up(s, multiple) for s in tile)
    for top in range(0, height, step[0]):
        for left in range(0, width, step[1]):
            yield Tile(
                write=((top, min(top + step[0], height)), (left, min(left + step[1], width))),
                read=(
                    (max(0, top - margin), min(top + step[0] + margin, _up(height, multiple))),
                    (max(0, left - margin), min(left + step[1] + margin, _up(width, multiple))),
                ),
            )


def cut(pixels: Pixels, tile: Tile) -> Pixels:
    """What a tile reads, `[height, width, channels]`; beyond the picture's edge its mirror image."""
    (top, bottom), (left, right) = tile.read
    part = pixels[top:bottom, left:right]
    below, beside = bottom - top - part.shape[0], right - left - part.shape[1]
    return np.pad(part, ((0, below), (0, beside), (0, 0)), mode="symmetric") if below or beside else part


def paste(result: Pixels, tile: Tile, part: Pixels) -> None:
    """Puts what was computed from `cut(picture, tile)` where it belongs."""
    (top, bottom), (left, right) = tile.write
    down, across = top - tile.read[0][0], left - tile.read[1][0]
    result[top:bottom, left:right] = part[down : down + bottom - top, across : across + right - left]


def apply(
    function: Callable[[Pixels], Pixels],
    pixels: Pixels,
    tiles: Iterator[Tile],
    progress: Callable[[int, int], None] | None = None,
) -> Pixels:
    """The function on every tile, put together."""
    result = np.empty_like(pixels)
    total, done = pixels.shape[0] * pixels.shape[1], 0
    for tile in tiles:
        paste(result, tile, function(cut(pixels, tile)))
        (top, bottom), (left, right) = tile.write
        done += (bottom - top) * (right - left)
        if progress is not None:
            progress(done, total)
    return result


def _up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple
