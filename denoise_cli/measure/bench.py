"""Denoisers on clean pictures with synthetic noise: quality and speed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, median

from denoise_cli.denoisers.denoiser import Denoiser
from denoise_cli.errors import PictureError
from denoise_cli.images.formats import SUFFIXES, read
from denoise_cli.images.image import Pixels
from denoise_cli.measure.quality import psnr, ssim
from denoise_cli.noise.synthetic import add_gaussian


@dataclass(frozen=True)
class Row:
    """One denoiser at one noise level: means over the set, and the median speed over its pictures."""

    model: str
    sigma: float
    pictures: int
    psnr: float
    ssim: float
    megapixels_per_second: float

    def facts(self) -> dict[str, object]:
        return asdict(self)


def bench(
    denoisers: Sequence[tuple[str, Denoiser]],
    pictures: Sequence[Pixels],
    sigmas: Sequence[float],
    *,
    seed: int,
    tell: Callable[[str, int], None] = lambda name, number: None,
) -> list[Row]:
    """Every denoiser on every picture at every level; the first row of each level is the noisy pictures themselves.

    Denoisers that take a noise level are told the true one.
    """
    rows: list[Row] = []
    for sigma in sigmas:
        noisy = [add_gaussian(clean, sigma, seed=seed, number=number) for number, clean in enumerate(pictures)]
        rows.append(_row("noisy", sigma, noisy, pictures, []))
        for name, denoiser in denoisers:
            level = sigma if denoiser.card.level == "given" else None
            results: list[Pixels] = []
            rates: list[float] = []
            for number, picture in enumerate(noisy):
                tell(name, number)
                started = time.perf_counter()
                results.append(denoiser(picture, sigma=level))
                rates.append(picture.shape[0] * picture.shape[1] / 1e6 / (time.perf_counter() - started))
            rows.append(_row(name, sigma, results, pictures, rates))
    return rows


def clean_pictures(folder: Path) -> list[Pixels]:
    """The pictures of a folder (the first page of each), in the order of their names.

    Raises PictureError where there is none, or one cannot be read.
    """
    pictures: list[Pixels] = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.suffix.lower() in SUFFIXES:
            try:
                with path.open("rb") as file:
                    pictures.append(next(read(file).images).pixels)
            except (PictureError, OSError) as error:
                raise PictureError(f"{path} {error}") from error
    if not pictures:
        raise PictureError(f"{folder} is no folder with pictures in it")
    return pictures


def _row(name: str, sigma: float, results: list[Pixels], clean: Sequence[Pixels], rates: list[float]) -> Row:
    pairs = list(zip(results, clean, strict=True))
    return Row(
        name,
        sigma,
        len(pairs),
        mean(psnr(result, picture) for result, picture in pairs),
        mean(ssim(result, picture) for result, picture in pairs),
        median(rates) if rates else 0.0,
    )
