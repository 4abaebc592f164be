"""Pictures of the same scenes in memory, and random patches of them at the same place in all frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch

from denoise_cli.fitting.pictures import Pictures, crops
from denoise_cli.images.image import Pixels

MEMORY = 1 << 30  # bytes that all scenes together take at most
CROP = 256  # pixels a side of what is kept of scenes that are too large to be kept whole


class Scenes:
    """Frames of scenes as float32 on the training device, `count` scenes, from which random patches are cut.

    Of large scenes only crops are kept, from random places, and of very many some have none, so that all fit into
    memory.
    """

    def __init__(
        self,
        scenes: Iterable[Sequence[Pixels]],
        *,
        expected: int,
        device: torch.device,
        seed: int,
        smallest: int,
        what: str = "the pictures",
    ) -> None:
        """`scenes`: for each, as many aligned frames `[height, width, channels]`, 1.0 = white; about `expected` of
        them, which share the memory.

        Those smaller than `smallest` pixels a side are left out. `what` they are, for errors. Raises UsageError when
        none is left.
        """
        self.count = 0
        kept = self._kept(scenes, MEMORY / max(1, expected), smallest, np.random.default_rng(seed))
        self._pictures = Pictures(kept, torch.float32, device=device, smallest=smallest, what=what)

    def patches(self, count: int, size: int, random: torch.Generator) -> torch.Tensor:
        """Float32 `[frames, count, channels, size, size]`, flipped and turned at random."""
        return self._pictures.patches(count, size, random).transpose(0, 1)

    def _kept(
        self, scenes: Iterable[Sequence[Pixels]], memory: float, smallest: int, draw: np.random.Generator
    ) -> Iterator[Pixels]:
        """Float32 `[frames, channels, height, width]`."""
        for frames in scenes:
            if min(frames[0].shape[:2]) >= smallest:
                stack = np.asarray(np.stack(frames).transpose(0, 3, 1, 2), np.float32)
                kept = list(crops(stack, memory, max(CROP, smallest), draw))
                self.count += bool(kept)
                yield from kept
