"""Pictures in memory, one behind the other, and patches of them that are cut all at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from denoise_cli.errors import UsageError
from denoise_cli.noise.draws import sent


class Pictures:
    """Pictures of any sizes on the training device, with as many planes each (channels, or frames of them)."""

    def __init__(
        self, pictures: Iterable[NDArray[Any]], dtype: torch.dtype, *, device: torch.device, smallest: int, what: str
    ) -> None:
        """`pictures`: `[*planes, height, width]` of `dtype`.

        Those smaller than `smallest` pixels a side are left out. `what` they are, for errors. Raises UsageError when
        none is left.
        """
        samples = bytearray()  # which grows without a copy of itself
        self._places: list[_Place] = []
        for picture in pictures:
            *self._planes, height, width = picture.shape
            if min(height, width) >= smallest:
                self._places.append(_Place(len(samples) // dtype.itemsize, height, width))
                samples += np.ascontiguousarray(picture).data.cast("B")
        if not self._places:
            raise UsageError(f"none of {what} has {smallest} x {smallest} pixels and the right channels")
        self._samples = torch.frombuffer(samples, dtype=dtype).to(device)
        self._areas = torch.tensor([float(place.height * place.width) for place in self._places])

    def patches(self, count: int, size: int, random: torch.Generator) -> torch.Tensor:
        """`[count, *planes, size, size]` as they are kept: from anywhere, flipped and turned at random.

        All in one go: one by one they would be some hundred calls of a GPU, for which a small network's step waits.
        """
        draws = _draws(self._areas, count, random)
        walks = [self._places[number].walk(where, size, turn) for number, where, turn in draws]
        device = self._samples.device
        first, plane, down, right = sent(torch.tensor(walks), device).T.reshape(4, count, 1, 1, 1)
        step = torch.arange(size, device=device)
        planes = torch.arange(math.prod(self._planes), device=device).reshape(-1, 1, 1)
        patches = self._samples[first + planes * plane + step[:, None] * down + step * right]
        return patches.reshape(count, *self._planes, size, size)


def crops(picture: NDArray[Any], memory: float, side: int, draw: np.random.Generator) -> Iterator[NDArray[Any]]:
    """A picture `[..., height, width]`, or as many random crops of `side` pixels a side as fit into so many bytes."""
    *_, height, width = picture.shape
    if picture.nbytes <= memory:
        yield picture
        return
    tall, wide = min(side, height), min(side, width)
    for _ in range(how_many(memory * height * width / (picture.nbytes * tall * wide), draw)):
        top, left = int(draw.integers(height - tall + 1)), int(draw.integers(width - wide + 1))
        yield picture[..., top : top + tall, left : left + wide]


def how_many(room: float, draw: np.random.Generator) -> int:
    """Things that there is room for; one by chance where there is not for one, so that many share what there is."""
    return int(room) if room >= 1 else int(draw.random() < room)


@dataclass(frozen=True)
class _Place:
    """Where a picture lies: the first of its samples, and how many rows and columns it has."""

    first: int
    height: int
    width: int

    def walk(self, where: tuple[float, float], size: int, turn: int) -> tuple[int, int, int, int]:
        """The first sample of a patch, and how many further on are the next plane, row and column of it.

        `where`: how far down and right, as shares of the room there is; `turn`: which of the eight ways it lies.
        """
        top, left = int(where[0] * (self.height - size + 1)), int(where[1] * (self.width - size + 1))
        first, down, right, far = self.first + top * self.width + left, self.width, 1, size - 1
        for _ in range(turn % 4):  # by 90 degrees, as torch.rot90 does
            first, down, right = first + far * right, -right, down
        if turn >= 4:
            first, right = first + far * right, -right
        return first, self.height * self.width, down, right


def _draws(areas: torch.Tensor, count: int, random: torch.Generator) -> list[tuple[int, tuple[float, float], int]]:
    """Of each patch the number of its picture, where in it it lies and which way; large pictures more often."""
    chosen = torch.multinomial(areas, count, replacement=True, generator=random).tolist()
    places = torch.rand(count, 2, generator=random).tolist()
    turns = torch.randint(0, 8, (count,), generator=random).tolist()
    return [(number, (down, right), turn) for number, (down, right), turn in zip(chosen, places, turns, strict=True)]
