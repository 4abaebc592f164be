"""Clean photographs in memory, and random patches of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
import torch.nn.functional as F

from denoise_cli.errors import UsageError
from denoise_cli.images.image import Samples


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
        self._photos: list[torch.Tensor] = []
        self.count = 0
        for photo in photos:
            self.count += min(photo.shape[:2]) >= smallest
            pixels = torch.from_numpy(np.ascontiguousarray(photo.transpose(2, 0, 1))).to(device)
            for version in (pixels, _shrunk(pixels, float(draw.uniform(0.5, 1.0)))):
                if min(version.shape[1:]) >= smallest:
                    self._photos.append(version)
        if not self._photos:
            raise UsageError(f"none of {what} has {smallest} x {smallest} pixels and the right channels")
        self._area = torch.tensor([float(p.shape[1] * p.shape[2]) for p in self._photos])

    def patches(self, count: int, size: int, random: torch.Generator) -> torch.Tensor:
        """Float32 `[count, channels, size, size]`, 1.0 = white: from anywhere, flipped and turned at random."""
        return torch.stack(random_patches(self._photos, self._area, count, size, random)).float() / 255


def random_patches(
    pictures: Sequence[torch.Tensor], areas: torch.Tensor, count: int, size: int, random: torch.Generator
) -> list[torch.Tensor]:
    """`count` patches `[..., size, size]` of pictures `[..., height, width]`, flipped and turned at random.

    `areas`: how likely each picture is.
    """
    chosen = torch.multinomial(areas, count, replacement=True, generator=random)
    places = torch.rand(count, 2, generator=random)
    turns = torch.randint(0, 8, (count,), generator=random)
    patches = []
    for number, (down, right), turn in zip(chosen.tolist(), places.tolist(), turns.tolist(), strict=True):
        picture = pictures[number]
        top, left = (
            int(where * (length - size + 1)) for where, length in zip((down, right), picture.shape[-2:], strict=True)
        )
        patch = torch.rot90(picture[..., top : top + size, left : left + size], turn % 4, (-2, -1))
        patches.append(patch.flip(-1) if turn >= 4 else patch)
    return patches


def _shrunk(pixels: torch.Tensor, factor: float) -> torch.Tensor:
    size = [max(1, round(side * factor)) for side in pixels.shape[1:]]
    small = F.interpolate(pixels[None].float(), size=size, mode="bilinear", antialias=True)[0]
    return small.round_().clamp_(0, 255).to(torch.uint8)
