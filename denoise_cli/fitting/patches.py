"""Clean photographs in memory, and random patches of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
import torch.nn.functional as F

from denoise_cli.fitting.pictures import Pictures, crops
from denoise_cli.fitting.scenes import CROP
from denoise_cli.images.image import Samples

MEMORY = 5 << 30  # bytes that all photos together take at most


class PatchSource:
    """Photographs as uint8 on the training device, `count` of them, from which random patches are cut.

    Each is kept twice: as it is, and downscaled by a random factor of 0.5 to 1, which removes grain that the
    original has left and adds finer detail. Where that is more than memory has, both are random crops.
    """

    def __init__(
        self,
        photos: Iterable[Samples],
        *,
        expected: int,
        device: torch.device,
        seed: int,
        smallest: int,
        what: str = "the pictures",
    ) -> None:
        """`photos`: uint8 `[height, width, channels]`; those smaller than `smallest` pixels a side are left out.

        `expected`: about how many share the memory, these and others that are held out.
        `what` they are, for errors. Raises UsageError when none is left.
        """
        self.count = 0
        versions = self._kept(photos, MEMORY / (2 * max(1, expected)), smallest, np.random.default_rng(seed))
        self._pictures = Pictures(versions, torch.uint8, device=device, smallest=smallest, what=what)

    def patches(self, count: int, size: int, random: torch.Generator) -> torch.Tensor:
        """Float32 `[count, channels, size, size]`, 1.0 = white, flipped and turned at random."""
        return self._pictures.patches(count, size, random).float() / 255

    def _kept(
        self, photos: Iterable[Samples], memory: float, smallest: int, draw: np.random.Generator
    ) -> Iterator[Samples]:
        for photo in photos:
            self.count += min(photo.shape[:2]) >= smallest
            pixels = np.ascontiguousarray(photo.transpose(2, 0, 1))
            for version in (pixels, _shrunk(pixels, float(draw.uniform(0.5, 1.0)))):
                yield from crops(version, memory, max(CROP, smallest), draw)


def _shrunk(pixels: Samples, factor: float) -> Samples:
    size = [max(1, round(side * factor)) for side in pixels.shape[1:]]
    whole = torch.from_numpy(pixels)[None].float()
    small = F.interpolate(whole, size=size, mode="bilinear", antialias=True)[0]
    return small.round_().clamp_(0, 255).to(torch.uint8).numpy()
