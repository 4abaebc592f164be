"""Denoisers side by side: quality, speed and memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import mean, median
from typing import Any

from denoise_cli.denoisers.catalogue import load
from denoise_cli.denoisers.denoiser import Denoiser
from denoise_cli.images.image import Pixels
from denoise_cli.measure.apart import apart, peak_megabytes
from denoise_cli.measure.quality import psnr, ssim
from denoise_cli.measure.sets import TestSet, read, read_pair
from denoise_cli.noise.synthetic import add_gaussian

NOISY = "noisy"  # what the rows of the noisy pictures themselves are called


@dataclass(frozen=True)
class Row:
    """One denoiser on one set: means over its pictures, and the median speed.

    `sigma`: the level of the noise that was added, None for pictures that had theirs. `peak_megabytes`: of the
    process that did this denoiser's work, in 10^6 bytes; None for noisy pictures and where the system does not tell.
    """

    set: str
    sigma: float | None
    model: str
    pictures: int
    psnr: float
    ssim: float
    megapixels_per_second: float | None = None
    peak_megabytes: float | None = None

    def facts(self) -> dict[str, object]:
        return asdict(self)


def bench(
    models: Sequence[str],
    sets: Sequence[TestSet],
    sigmas: Sequence[float],
    *,
    seed: int,
    blind: bool = False,
    options: Mapping[str, Any] | None = None,
    tell: Callable[[str, str, int], None] = lambda model, name, number: None,
) -> list[Row]:
    """Every denoiser on every set, at every level where noise is added; the noisy pictures themselves come first.

    Each denoiser works in a process of its own. `options` are those of `load`. Denoisers that take a noise level are
    told that of the noise that was added, unless `blind`; where there was noise already, they estimate it. `tell`
    hears model, set and number of the picture that was finished last.
    Raises PictureError for a picture that cannot be used, UsageError and WeightsError for a model.
    """
    for model in models:
        load(model, **(options or {}))  # what is wrong with it is told before anything is measured
    rows = [piece for piece in _measure(None, {}, sets, sigmas, seed, blind) if isinstance(piece, Row)]
    for model in models:
        for piece in apart(_measure, model, dict(options or {}), tuple(sets), tuple(sigmas), seed, blind):
            if isinstance(piece, Row):
                rows.append(piece)
            else:
                tell(model, *piece)
    place = {test_set.name: number for number, test_set in enumerate(sets)}
    return sorted(rows, key=lambda row: (place[row.set], sigmas.index(row.sigma) if row.sigma is not None else 0))


def _measure(
    model: str | None,
    options: Mapping[str, Any],
    sets: Sequence[TestSet],
    sigmas: Sequence[float],
    seed: int,
    blind: bool,
) -> Iterator[Row | tuple[str, int]]:
    """The rows of one model (None: of the noisy pictures), and between them set and number of the picture just done.

    One picture is held in memory at a time.
    """
    denoiser = None if model is None else load(model, **options)
    for test_set in sets:
        for sigma in [None] if test_set.noisy else sigmas:
            figures = []
            for number in range(len(test_set.clean)):
                noisy, clean = _pair(test_set, number, sigma, seed)
                figures.append(_figures(denoiser, noisy, clean, None if blind else sigma))
                yield test_set.name, number
            psnrs, ssims, rates = zip(*figures, strict=True)
            row = Row(test_set.name, sigma, model or NOISY, len(figures), mean(psnrs), mean(ssims))
            if denoiser is not None:
                row = replace(row, megapixels_per_second=median(rates), peak_megabytes=peak_megabytes())
            yield row


def _pair(test_set: TestSet, number: int, sigma: float | None, seed: int) -> tuple[Pixels, Pixels]:
    """A noisy picture and its clean one. Noise follows from the seed and the picture's number in its set."""
    if sigma is None:
        return read_pair(test_set.noisy[number], test_set.clean[number])
    clean = read(test_set.clean[number])
    return add_gaussian(clean, sigma, seed=seed, number=number), clean


def _figures(
    denoiser: Denoiser | None, noisy: Pixels, clean: Pixels, sigma: float | None
) -> tuple[float, float, float]:
    """PSNR, SSIM and megapixels a second."""
    started = time.perf_counter()
    told = sigma if denoiser is not None and denoiser.card.level == "given" else None
    result = noisy if denoiser is None else denoiser(noisy, sigma=told)
    seconds = time.perf_counter() - started
    return psnr(result, clean), ssim(result, clean), clean.shape[0] * clean.shape[1] / 1e6 / max(seconds, 1e-9)
