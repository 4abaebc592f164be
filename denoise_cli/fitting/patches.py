"""Clean photographs in memory, and random patches of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from denoise_cli.errors import UsageError
from denoise_cli.images.image import Samples
from denoise_cli.noise.draws import sent


class PatchSource:
    """Photographs as uint8 on the training device, `count` of them, from which random patches are cut.

    Each is kept twice: as it is, and downscaled by a random factor of 0.5 to 1, which removes grain that the
    original has left and adds finer detail.
    """

    def __init__(
        self,
        photos: Iterable[Samples],
        *,
        device: torch.device,
        seed: int,
        smallest: int,
        what: str = "the pictures",
    ) -> None:
        """`photos`: uint8 `[height, width, channels]`; those smaller than `smallest` pixels a side are left out.

        `what` they are, for errors. Raises UsageError when none is left.
        """
        draw = np.random.default_rng(seed)
        samples = bytearray()  # which grows without a copy of itself
        self._photos: list[_Photo] = []
        self.count = 0
        for photo in photos:
            self.count += min(photo.shape[:2]) >= smallest
            pixels = torch.from_numpy(np.ascontiguousarray(photo.transpose(2, 0, 1))).to(device)
            for version in (pixels, _shrunk(pixels, float(draw.uniform(0.5, 1.0)))):
                if min(version.shape[1:]) >= smallest:
                    self._photos.append(_Photo(len(samples), *version.shape))
                    samples += version.cpu().numpy().data
        if not self._photos:
            raise UsageError(f"none of {what} has {smallest} x {smallest} pixels and the right channels")
        self._area = torch.tensor([float(p.height * p.width) for p in self._photos])
        self._samples = torch.frombuffer(samples, dtype=torch.uint8).to(device)

    def patches(self, count: int, size: int, random: torch.Generator) -> torch.Tensor:
        """Float32 `[count, channels, size, size]`, 1.0 = white: from anywhere, flipped and turned at random.

        All in one go: one by one they would be some hundred calls of a GPU, for which a small network's step waits.
        """
        draws = _draws(self._area, count, random)
        walks = [self._photos[number].walk(where, size, turn) for number, where, turn in draws]
        device = self._samples.device
        first, plane, down, right = sent(torch.tensor(walks), device).T.reshape(4, count, 1, 1, 1)
        step = torch.arange(size, device=device)
        channels = torch.arange(self._photos[0].channels, device=device).reshape(-1, 1, 1)
        return self._samples[first + channels * plane + step[:, None] * down + step * right].float() / 255


@dataclass(frozen=True)
class _Photo:
    """Where a photo lies, the first of its samples `[channels, height, width]` and how many there are."""

    first: int
    channels: int
    height: int
    width: int

    def walk(self, where: tuple[float, float], size: int, turn: int) -> tuple[int, int, int, int]:
        """The first sample of a patch, and how many further on are the next channel, row and column of it."""
        top, left = _corner(where, size, (self.height, self.width))
        first, down, right, far = self.first + top * self.width + left, self.width, 1, size - 1
        for _ in range(turn % 4):  # by 90 degrees, as torch.rot90 does
            first, down, right = first + far * right, -right, down
        if turn >= 4:
            first, right = first + far * right, -right
        return first, self.height * self.width, down, right


def random_patches(
    pictures: Sequence[torch.Tensor], areas: torch.Tensor, count: int, size: int, random: torch.Generator
) -> list[torch.Tensor]:
    """`count` patches `[..., size, size]` of pictures `[..., height, width]`, flipped and turned at random.

    `areas`: how likely each picture is.
    """
    patches = []
    for number, where, turn in _draws(areas, count, random):
        picture = pictures[number]
        top, left = _corner(where, size, picture.shape[-2:])
        patch = torch.rot90(picture[..., top : top + size, left : left + size], turn % 4, (-2, -1))
        patches.append(patch.flip(-1) if turn >= 4 else patch)
    return patches


def _draws(areas: torch.Tensor, count: int, random: torch.Generator) -> list[tuple[int, tuple[float, float], int]]:
    """Which picture each patch is of, where in it, as shares of the room there is, and which of eight ways it lies."""
    chosen = torch.multinomial(areas, count, replacement=True, generator=random).tolist()
    places = torch.rand(count, 2, generator=random).tolist()
    turns = torch.randint(0, 8, (count,), generator=random).tolist()
    return [(number, (down, right), turn) for number, (down, right), turn in zip(chosen, places, turns, strict=True)]


def _corner(where: tuple[float, float], size: int, shape: Sequence[int]) -> tuple[int, int]:
    down, right = (int(share * (length - size + 1)) for share, length in zip(where, shape, strict=True))
    return down, right


def _shrunk(pixels: torch.Tensor, factor: float) -> torch.Tensor:
    size = [max(1, round(side * factor)) for side in pixels.shape[1:]]
    small = F.interpolate(pixels[None].float(), size=size, mode="bilinear", antialias=True)[0]
    return small.round_().clamp_(0, 255).to(torch.uint8)
