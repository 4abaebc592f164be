"""Bursts in memory: each frame of a scene beside what the other frames say about it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor

import numpy as np

from denoise_cli.fitting.register import REACH, Square, drift, registered
from denoise_cli.fitting.survey import Frame, frames_of
from denoise_cli.images.image import Pixels
from denoise_cli.noise.measure import without_struck

MOST = 16  # frames of a scene that are used; more hardly say more
KNOWN = 0.5  # share of a crop that has to be seen in other frames; chosen: with less, most of its pixels teach nothing


Triple = tuple[Pixels, Pixels, Pixels]


def witnesses(
    scene: Sequence[Frame],
    *,
    crops: int,
    side: int,
    random: np.random.Generator,
    median: bool = False,
    impulses: bool = False,
) -> Iterator[list[Triple]]:
    """For up to `crops` places of `side` pixels a side, apart from each other: each frame there, and its witnesses.

    These are the mean of one half of the other frames and that of the rest, registered; NaN where the scene has
    changed. Their noise and the frame's own are independent, so that they may serve as its targets (Noise2Noise,
    Lehtinen et al. 2018), and the two halves' as well, so that together they tell a result's true error. Of two frames
    only one is another, and both halves are the same. `median` takes medians instead of means, of odd counts of frames.
    With `impulses` samples that were struck tell nothing.
    Nothing where the frames have no area of that size in common. Raises PictureError for one that cannot be read.
    """
    scene = scene[:MOST]
    moved = _drifts(scene)
    squares = _squares(size_of(scene), moved, side)
    if not squares:
        return
    chosen = [squares[number] for number in random.permutation(len(squares))[:crops]]
    cuts = [
        [_cut(pixels, Square(square.top + down, square.left + across, side)) for square in chosen]
        for pixels, (down, across) in zip(frames_of(scene), moved, strict=True)
    ]
    square = Square(REACH, REACH, side)
    with ThreadPoolExecutor() as pool:  # scipy computes outside of Python's lock
        for frames in zip(*cuts, strict=True):
            seen = [_seen(frame, outside, impulses) for frame, outside in frames]
            triples = [
                (square.of(frame), *_halves(seen, number, square, median, pool))
                for number, (frame, _) in enumerate(frames)
            ]
            if known := [triple for triple in triples if min(np.isfinite(half).mean() for half in triple[1:]) > KNOWN]:
                yield known


def _cut(frame: Pixels, square: Square) -> tuple[Pixels, np.ndarray | None]:
    """A square and what is around it, and which samples of that the frame does not have."""
    return square.of(frame, REACH), square.outside(frame, REACH)


def _seen(frame: Pixels, outside: np.ndarray | None, impulses: bool) -> tuple[Pixels, np.ndarray | None]:
    """A cut without what was struck, and which samples of it are lost."""
    if not impulses:
        return frame, outside
    frame, struck = without_struck(frame)
    return frame, struck if outside is None else struck | outside


def _halves(
    seen: Sequence[tuple[Pixels, np.ndarray | None]], number: int, square: Square, median: bool, pool: Executor
) -> tuple[Pixels, Pixels]:
    """What the others say of a frame; `seen`: the frames, and which of their samples are lost."""
    frame, _ = seen[number]

    def upon(seen: tuple[Pixels, np.ndarray | None]) -> Pixels:
        return registered(frame, seen[0], square, (0, 0), lost=seen[1])

    others = list(pool.map(upon, (*seen[:number], *seen[number + 1 :])))
    return _together(others[::2], median), _together(others[1::2] or others, median)


def _squares(size: tuple[int, int], moved: Sequence[tuple[int, int]], side: int) -> list[Square]:
    """The cells of a grid over what all frames show."""
    starts = []
    for axis in (0, 1):
        moves = [move[axis] for move in moved]
        starts.append(range(max(0, -min(moves)), size[axis] - max(0, max(moves)) - side + 1, side))
    return [Square(top, left, side) for top in starts[0] for left in starts[1]]


def _together(frames: Sequence[Pixels], median: bool) -> Pixels:
    """Of what is known."""
    stack = np.stack(frames)
    if median:
        # An even count's median is a mean of two samples, which clipping biases; so the last known frame is left out
        # there.
        count = np.isfinite(stack).cumsum(axis=0)
        stack[(count == count[-1]) & (count[-1] % 2 == 0)] = np.nan  # it, and frames after it that know nothing
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # numpy's, where nothing is known
        result: Pixels = (np.nanmedian(stack, axis=0) if median else np.nanmean(stack, axis=0)).astype(np.float32)
    return result


def _drifts(scene: Sequence[Frame]) -> list[tuple[int, int]]:
    """How far the scene has moved in each frame since the first."""
    first: Pixels | None = None
    moves = []
    for pixels in frames_of(scene):
        first = pixels if first is None else first
        moves.append(drift(first, pixels))
    return moves


def size_of(scene: Sequence[Frame]) -> tuple[int, int]:
    """Height and width, which all frames of a scene share."""
    height, width = next(frames_of(scene[:1])).shape[:2]
    return height, width
