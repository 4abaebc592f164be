"""A result in the place of the samples that it is made from."""

from __future__ import annotations

from denoise_cli.images.image import Canvas, PixelFormat, Pixels, Samples, Stored, to_samples
from denoise_cli.images.scratch import let_go

Where = tuple[slice, ...]


class Overlay(Canvas):
    """A canvas over a picture's own samples, so that a large one is not held twice.

    What is put into it waits until nobody looks at the samples below any more, as `settle` says.
    """

    def __init__(self, samples: Samples, form: PixelFormat) -> None:
        super().__init__(samples, form)
        self.waiting: list[tuple[int, Where, Samples]] = []  # first row, what is beside, samples
        self._settled = 0  # rows

    @classmethod
    def over(cls, source: Stored) -> Overlay:
        return cls(source.samples, source.form)

    def __setitem__(self, where: Where, pixels: Pixels) -> None:
        top, _, _ = where[0].indices(self.shape[0])
        self.waiting.append((top, where[1:], to_samples(pixels, self.form)))

    @property
    def begun(self) -> bool:
        """Whether samples of the picture are gone already."""
        return self._settled > 0

    def settle(self, row: int | None = None) -> None:
        row = self.shape[0] if row is None else row
        if row <= self._settled:
            return
        self._settled = row
        waiting, self.waiting = self.waiting, []
        for top, beside, samples in waiting:
            now = max(0, min(len(samples), row - top))
            if now:
                where = (slice(top, top + now), *beside)
                self.samples[where] = samples[:now]
            if now < len(samples):
                self.waiting.append((top + now, beside, samples[now:]))
        let_go(self.samples)
