"""Pictures to compare speed on: small.png of 512 x 512 pixels and large.jpg of 24 megapixels.

The large one is the photographs side by side and below each other, mirrored until they fill it. Photographs as `fit
--clean` holds out (every fiftieth in the order of their names), so that no bundled network has seen them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from denoise_cli.fitting.clean import HELD_OUT
from denoise_cli.images.image import Samples
from denoise_cli.measure.sets import pictures

WIDTH, HEIGHT, SMALL = 6000, 4000, 512
ACROSS, DOWN = 2000, 1000  # of a photograph's place in the large one


def main() -> None:
    photos, folder = pictures(sys.argv[1])[::HELD_OUT], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    samples = [np.asarray(Image.open(path).convert("RGB")) for path in photos]
    Image.fromarray(samples[0][:SMALL, :SMALL]).save(folder / "small.png")
    places = [filled(samples[number % len(samples)]) for number in range(WIDTH // ACROSS * (HEIGHT // DOWN))]
    rows = [np.concatenate(places[start :: HEIGHT // DOWN], axis=1) for start in range(HEIGHT // DOWN)]
    Image.fromarray(np.concatenate(rows)).save(folder / "large.jpg", quality=95)


def filled(samples: Samples) -> Samples:
    """A photograph and its mirror images, as large as its place."""
    height, width, _ = samples.shape
    more = (max(0, DOWN - height), max(0, ACROSS - width))
    return np.pad(samples, ((0, more[0]), (0, more[1]), (0, 0)), mode="symmetric")[:DOWN, :ACROSS]


if __name__ == "__main__":
    main()
