"""How wide the grain of noise is, as a factor on its strength."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from denoise_cli.images.image import Pixels
from denoise_cli.noise.blocks import BLOCK, DISTANCES, PLANE, correlation, planes

FLAT = 0.5, 1.25  # times the noise's deviation: how much flat blocks vary; more would be texture
FEWEST_FLAT = 0.01  # the share of blocks that must be flat
GRAINY = 0.2, 0.4  # correlation of neighbours, from white noise with a little texture in it to grain


def coarseness(patches: Pixels, sigma: float) -> float:
    """The factor on `sigma` with which a denoiser made for white noise removes this grain.

    Grain several pixels wide has more power at low frequencies than white noise of the same deviation. The factor is
    the square root of that ratio at frequency zero, which is the sum of the noise's correlations along one axis: 1 for
    white noise, 3 to 4 in cameras' JPEGs. It is measured in small blocks that vary no more than the noise does, so that
    there can be little else in them; it is 1 where hardly any block is such.

    `patches`: `[count, channels, height, width]`, 1.0 = white, with the same kind of noise all over; `sigma`: its
    deviation on the same scale.
    """
    count, channels, *size = patches.shape
    rows, columns = (length // BLOCK for length in size)
    cells = patches[:, :, : rows * BLOCK, : columns * BLOCK].reshape(count * channels, rows, BLOCK, columns, BLOCK)
    blocks = cells.swapaxes(2, 3).reshape(-1, BLOCK, BLOCK)
    rest = blocks - planes(blocks)
    relative = rest.std(axis=(1, 2), ddof=3) / max(sigma, 1e-6)
    flat = rest[(relative > FLAT[0]) & (relative < FLAT[1])]
    if len(flat) == 0 or len(flat) < FEWEST_FLAT * len(blocks):
        return 1.0
    alike = correlation(flat)
    grainy = np.clip((alike[0] - GRAINY[0]) / (GRAINY[1] - GRAINY[0]), 0, 1)
    return float(1 + grainy * (spread(alike) - 1))


def spread(alike: Sequence[float]) -> float:
    """The sum of noise's correlations along one axis, its own included, from those in blocks without their planes.

    That is the square root of the spectrum at frequency zero, so its square is the power of a plane's parts, whose
    frequencies are as low. Taken off, they are missing in the variance and in the products of neighbours, which makes
    correlations look smaller than they are: for grain of one pixel's deviation those with the next three pixels add up
    to 1.0 instead of 1.3. The sum that accounts for it solves a quadratic equation. It is not below 1: a pattern that
    repeats, whose neighbours are opposites, is no fainter noise.
    """
    variance = np.square(PLANE).sum(axis=0).mean()
    products = [(PLANE[:, :, :-d] * PLANE[:, :, d:]).sum(axis=0).mean() for d in DISTANCES]
    seen = 1 + 2 * sum(alike)  # neighbours are on both sides
    lost = 2 * sum(product - variance * value for product, value in zip(products, alike, strict=True))
    return max(1.0, float(2 * seen / (1 + np.sqrt(max(0.0, 1 - 4 * seen * lost)))))
