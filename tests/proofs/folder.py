"""A folder of 200 photographs: for which part of the time the network computes; and folders of 10 to 10,000 pictures.

python tests/proofs/folder.py PHOTO [MODEL]

The 200 are parts of PHOTO, 512 pixels a side. The many are small and go through `mean`, whose own time is next to none,
so that what a folder itself costs shows. Each size has a process of its own.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from denoise_cli.batch.many import Outcome, denoise_all
from denoise_cli.batch.picture import Settings
from denoise_cli.batch.plan import make_plan
from denoise_cli.denoisers.catalogue import load
from denoise_cli.denoisers.denoiser import Denoiser, Request
from denoise_cli.images.image import Canvas, Pixels, Stored
from denoise_cli.measure.apart import apart, forget_peak, peak_megabytes

PARTS, SIDE, SMALL, COUNTS = 200, 512, 64, (10, 100, 1_000, 10_000)


class Timed(Denoiser):
    """A denoiser that knows for how many seconds it has computed."""

    def __init__(self, denoiser: Denoiser) -> None:
        self.card, self.seconds, self._denoiser = denoiser.card, 0.0, denoiser

    def into(self, result: Pixels | Canvas, pixels: Pixels | Stored, request: Request) -> None:
        started = time.monotonic()
        self._denoiser.into(result, pixels, request)
        self.seconds += time.monotonic() - started

    def level_of(self, pixels: Pixels | Stored) -> float:
        return self._denoiser.level_of(pixels)


def main() -> None:
    photo, model = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "photo"
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "parts")
        folder.mkdir()
        picture = Image.open(photo).convert("RGB")
        across = picture.width // SIDE
        for number in range(PARTS):
            left, top = number % across * SIDE, number // across * SIDE % (picture.height - SIDE)
            picture.crop((left, top, left + SIDE, top + SIDE)).save(folder / f"{number}.jpg", quality=95)
        wall, busy, peak = next(apart(run, folder, model))
        print(f"{PARTS} of {SIDE}² by {model}: {wall:.1f} s, busy {busy / wall:.1%}, peak {peak:.0f} MB", flush=True)
        random = np.random.default_rng(0)
        for count in COUNTS:
            folder = Path(place, f"small-{count}")
            folder.mkdir()
            for number in range(count):
                Image.fromarray(random.integers(0, 256, (SMALL, SMALL, 3), np.uint8)).save(folder / f"{number}.png")
            wall, _, peak = next(apart(run, folder, "mean"))
            print(f"{count} of {SMALL}² by mean: {1000 * wall / count:.2f} ms each, peak {peak:.0f} MB", flush=True)


def run(folder: Path, model: str) -> Iterator[tuple[float, float, float]]:
    """Seconds in all and of computing, and the peak of memory in megabytes."""
    timed = Timed(load(model))
    settings = Settings(timed)
    plan = make_plan([folder], folder.with_name(f"{folder.name}-clean"))
    forget_peak()
    failures: list[Outcome] = []
    started = time.monotonic()
    denoise_all(plan.jobs, settings, done=lambda outcome: failures.append(outcome) if outcome.failure else None)
    wall = time.monotonic() - started
    assert not failures
    yield wall, timed.seconds, peak_megabytes() or 0


if __name__ == "__main__":
    main()
