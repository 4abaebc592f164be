"""Small blocks of pictures: flat ones hold noise and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from denoise_cli.images.image import Pixels

BLOCK = 16  # pixels a side
DISTANCES = (1, 2, 3)  # pixels at which correlation is told
LOW, HIGH = 8, 14  # sums of a block's two frequencies, 0 to 15 each: texture is below, hardly anything but noise above
NONE = 0.03  # correlation that counts as none
ORDER = np.add.outer(np.arange(BLOCK), np.arange(BLOCK))
_SLOPE = np.tile(np.arange(BLOCK) - (BLOCK - 1) / 2, (BLOCK, 1))
PLANE = np.stack([part / np.sqrt((part**2).sum()) for part in (np.ones((BLOCK, BLOCK)), _SLOPE.T, _SLOPE)])  # its parts


def some_blocks(picture: Pixels, most: int, random: np.random.Generator) -> np.ndarray:
    """`[count, channels, BLOCK, BLOCK]` from random cells of a grid over `[height, width, channels]`, up to `most`.

    Those with NaN, of which a picture has some where it shows nothing, are left out.
    """
    rows, columns = (length // BLOCK for length in picture.shape[:2])
    cells = picture[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK, picture.shape[2])
    row, column = np.divmod(random.permutation(rows * columns)[:most], max(1, columns))
    chosen = cells[row, :, column].transpose(0, 3, 1, 2)
    whole: np.ndarray = chosen[~np.isnan(chosen).any(axis=(1, 2, 3))]
    return whole


def planes(blocks: np.ndarray) -> np.ndarray:
    """The plane of each block `[count, BLOCK, BLOCK]` that fits it best."""
    planes: np.ndarray = sum((blocks * part).sum(axis=(1, 2), keepdims=True) * part for part in PLANE)
    return planes


def correlation(rest: np.ndarray) -> tuple[float, ...]:
    """Of pixels so many apart as DISTANCES says, the mean of both directions."""
    power = max(float((rest**2).mean()), 1e-12)
    along = [(rest[:, :, :-d] * rest[:, :, d:]).mean() / power for d in DISTANCES]
    down = [(rest[:, :-d] * rest[:, d:]).mean() / power for d in DISTANCES]
    return tuple(float(one + other) / 2 for one, other in zip(along, down, strict=True))


def low_and_high(rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each block the mean power of its low and of its high frequencies, which of white noise is its variance."""
    from scipy.fft import dctn

    powers = dctn(rest, axes=(1, 2), norm="ortho") ** 2
    return powers[:, (ORDER > 1) & (ORDER <= LOW)].mean(axis=1), powers[:, ORDER >= HIGH].mean(axis=1)


def share_above(correlation: Sequence[float]) -> float:
    """The mean power of noise so correlated in its high frequencies, by that in all: 1 for white noise."""
    return float(_spectrum(correlation)[ORDER >= HIGH].mean())


def least_share(correlation: Sequence[float]) -> float:
    """The deviation, by the true one, in the tenth of blocks of noise so correlated that varies least once their planes
    are taken off: 0.922 for white noise.

    As that of so many independent samples as its spectrum has (Welch 1938), whose power is nearly normal once its cube
    root is taken (Wilson & Hilferty 1931); the lowest tenth of that is 1.755 deviations below its mean.
    """
    powers = _spectrum(correlation)[ORDER > 1].clip(0)
    share = 2 * (powers**2).sum() / (9 * powers.sum() ** 2)
    return float(np.sqrt(powers.mean() * (1 - share - 1.755 * np.sqrt(share)) ** 3))


def _spectrum(correlation: Sequence[float]) -> np.ndarray:
    """The power of noise so correlated at each of a block's frequencies, by that of white noise."""
    frequencies = np.pi * (np.arange(BLOCK) + 0.5) / BLOCK
    spectrum = np.ones(BLOCK)
    for distance, value in zip(DISTANCES, correlation, strict=True):
        spectrum += 2 * (value if abs(value) > NONE else 0.0) * np.cos(distance * frequencies)
    return np.outer(spectrum, spectrum)
