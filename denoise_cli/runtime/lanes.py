"""Tiles that are under way at the same time on one device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

import torch

from denoise_cli.images.image import Pixels

# One tile is copied to a GPU and one from it while one is computed. A CPU computes one with all of its cores.
CUDA_LANES = 3


class Lanes:
    """A CUDA device's streams, one for each tile under way, so that copies wait for no computation; elsewhere one.

    What is computed with has to be on the device before.
    """

    def __init__(self, device: torch.device) -> None:
        self._device, self._cuda = device, device.type == "cuda"
        self.count = CUDA_LANES if self._cuda else 1
        self._streams: SimpleQueue[torch.cuda.Stream] = SimpleQueue()
        if self._cuda:
            torch.cuda.synchronize(device)  # as other streams do not wait for weights that are still on their way
            for _ in range(self.count):
                self._streams.put(torch.cuda.Stream(device))  # type: ignore[no-untyped-call]

    def __reduce__(self) -> tuple[type[Lanes], tuple[torch.device]]:
        """A copy, in another process too, has streams of its own."""
        return Lanes, (self._device,)

    @contextmanager
    def one(self) -> Iterator[None]:
        """A lane for the thread that asks, which waits until one is free. Without CUDA nobody waits."""
        if not self._cuda:
            yield
            return
        stream = self._streams.get()
        try:
            with torch.cuda.stream(stream):
                yield
        finally:
            self._streams.put(stream)

    def sent(self, pixels: Pixels) -> torch.Tensor:
        """`[height, width, channels]` as `[1, channels, height, width]` on the device, channels last in memory."""
        here = torch.empty(pixels.shape, pin_memory=self._cuda)
        here.numpy()[...] = pixels
        return here.to(self._device, non_blocking=self._cuda).permute(2, 0, 1)[None]

    def fetched(self, result: torch.Tensor) -> Pixels:
        """Pixels `[height, width, channels]` of `[1, channels, height, width]`, wherever it is."""
        here = there = result[0].permute(1, 2, 0).contiguous()
        if self._cuda:
            here = torch.empty(there.shape, dtype=there.dtype, pin_memory=True)
            here.copy_(there, non_blocking=True)
            torch.cuda.current_stream(self._device).synchronize()
        pixels: Pixels = here.cpu().numpy()
        return pixels
