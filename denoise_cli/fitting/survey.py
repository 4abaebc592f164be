"""What a folder of noisy pictures holds: scenes that were taken more than once, and single shots."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from denoise_cli.images.formats import opened
from denoise_cli.images.hidden import visible
from denoise_cli.images.image import Pixels

THUMBNAIL = 48  # pixels a side
ALIKE = 0.95  # correlation of two thumbnails' structure from which on they show one scene
WORTH_A_LOOK, DRIFT = 0.6, 2  # before shifting, by up to so many of a thumbnail's pixels
STRUCTURE = 0.004  # standard deviation that a thumbnail needs to show a scene at all


@dataclass(frozen=True, order=True)
class Frame:
    """A picture: a file's page. `white`: see `formats.read`."""

    path: Path
    page: int = 0
    white: float | None = None

    def __str__(self) -> str:
        return str(self.path) if self.page == 0 else f"{self.path}, page {self.page + 1}"


@dataclass(frozen=True)
class Survey:
    """`scenes`: the frames of each that has two or more. `singles`: all others. `copies`: how many were left out, whose
    pixels are those of another one, or which are the same shot in another format, so that their noise tells nothing of
    its own.
    """

    scenes: tuple[tuple[Frame, ...], ...]
    singles: tuple[Frame, ...]
    copies: int = 0

    @property
    def frames(self) -> tuple[Frame, ...]:
        return (*chain.from_iterable(self.scenes), *self.singles)

    def __str__(self) -> str:
        frames = sorted(len(scene) for scene in self.scenes)
        span = (
            f"{frames[0]}" if frames and frames[0] == frames[-1] else f"{frames[0]} to {frames[-1]}" if frames else ""
        )
        parts = [f"{len(frames)} scene{'s' if len(frames) > 1 else ''} of {span} frames"] if frames else []
        if self.singles:
            parts.append(f"{len(self.singles)} single shot{'s' if len(self.singles) > 1 else ''}")
        left_out = f" ({self.copies} cop{'ies' if self.copies > 1 else 'y'} left out)" if self.copies else ""
        return " and ".join(parts) + left_out


def survey(files: Sequence[Path], white: float | None = None) -> Survey:
    """Frames show one scene when they have one size and look the same once they are small, noise and drift aside.

    `white`: see `formats.read`.
    Raises PictureError for a file that cannot be read.
    """
    frames: list[Frame] = []
    kinds: list[tuple[int, ...]] = []
    thumbnails: list[np.ndarray] = []
    known: set[bytes] = set()
    copies = 0
    for path in files:
        for page, pixels in enumerate(pages(path, white)):
            mark = hashlib.sha256(np.ascontiguousarray(pixels).data).digest() + str(pixels.shape).encode()
            if mark in known:
                copies += 1
                continue
            known.add(mark)
            frames.append(Frame(path, page, white))
            kinds.append(pixels.shape)
            thumbnails.append(_thumbnail(pixels))
    groups = _alike(kinds, np.stack(thumbnails)) if frames else []
    scenes = [_shots([frames[number] for number in group]) for group in groups]
    return Survey(
        tuple(scene for scene in scenes if len(scene) > 1),
        tuple(scene[0] for scene in scenes if len(scene) == 1),
        copies + len(frames) - sum(map(len, scenes)),
    )


def pages(path: Path, white: float | None = None, *, far: float = 0.0) -> Iterator[Pixels]:
    """The pixels of each page of a file, one after the other; `far`: what hidden ones are, far from all others.

    Raises PictureError, which names the file.
    """
    with opened(path, white) as found:
        for image in found.images:
            yield visible(image, far)


def frames_of(frames: Sequence[Frame], *, far: float = 0.0) -> Iterator[Pixels]:
    """The pixels of frames in order, one after the other; a file is read once for all of its pages in a row.

    `far`: what hidden ones are, far from all others.
    Raises PictureError, which names the file.
    """
    for (path, white), together in groupby(frames, key=lambda frame: (frame.path, frame.white)):
        wanted = {frame.page for frame in together}
        for number, pixels in enumerate(pages(path, white, far=far)):
            if number in wanted:
                yield pixels


def _thumbnail(pixels: Pixels) -> np.ndarray:
    """Structure of a few dozen pixels a side, of length 1: float `[side * side]`, zero where there is none."""
    gray = pixels.mean(axis=2)
    rows, columns = (np.linspace(0, length, min(THUMBNAIL, length) + 1).astype(int) for length in gray.shape)
    sums = np.add.reduceat(np.add.reduceat(gray, rows[:-1], axis=0), columns[:-1], axis=1)
    small = sums / np.outer(np.diff(rows), np.diff(columns))
    small = gaussian_filter(small, 1.0) - small.mean()
    full = np.zeros((THUMBNAIL, THUMBNAIL))
    full[: small.shape[0], : small.shape[1]] = small
    vector = full.ravel()
    norm = float(np.linalg.norm(vector))
    if norm < STRUCTURE * THUMBNAIL * max(1e-6, float(np.abs(gray).mean())):
        return np.zeros_like(vector)
    unit: np.ndarray = vector / norm
    return unit


def _alike(kinds: Sequence[tuple[int, ...]], thumbnails: np.ndarray) -> list[list[int]]:
    """Groups of numbers, in order; a frame joins the first group whose first frame it looks like."""
    groups: list[list[int]] = []
    for number, (kind, thumbnail) in enumerate(zip(kinds, thumbnails, strict=True)):
        for group in groups:
            if kinds[group[0]] == kind and _likeness(thumbnails[group[0]], thumbnail) > ALIKE:
                group.append(number)
                break
        else:
            groups.append([number])
    return groups


def _shots(scene: Sequence[Frame]) -> tuple[Frame, ...]:
    """Without files of one name, such as a camera's JPEG beside its TIFF, which are one shot: the largest is kept."""
    shots: dict[tuple[Path, int], Frame] = {}
    for frame in sorted(scene, key=lambda frame: frame.path.stat().st_size, reverse=True):
        shots.setdefault((frame.path.with_suffix(""), frame.page), frame)
    kept = set(shots.values())
    return tuple(frame for frame in scene if frame in kept)


def _likeness(first: np.ndarray, second: np.ndarray) -> float:
    """Correlation, the best of all shifts by a few pixels."""
    if float(first @ second) < WORTH_A_LOOK:
        return 0.0
    square = second.reshape(THUMBNAIL, THUMBNAIL)
    shifts = [(down, across) for down in range(-DRIFT, DRIFT + 1) for across in range(-DRIFT, DRIFT + 1)]
    return max(float(first @ np.roll(square, move, axis=(0, 1)).ravel()) for move in shifts)
