"""Denoisers on clean pictures with synthetic noise: quality and speed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, median

from denoise_cli.denoisers.denoiser import Denoiser
from denoise_cli.errors import PictureError
from denoise_cli.images.formats import SUFFIXES, first_pixels
from denoise_cli.images.image import Pixels
from denoise_cli.measure.quality import psnr, ssim
from denoise_cli.noise.synthetic import add_gaussian

SMALLEST_SIDE = 11  # of SSIM's window


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
    pictures: Sequence[Path],
    sigmas: Sequence[float],
    *,
    seed: int,
    tell: Callable[[str, int], None] = lambda name, number: None,
) -> list[Row]:
    """Every denoiser on every picture at every level; the first row of each level is the noisy pictures themselves.

    Denoisers that take a noise level are told the true one. One picture is held in memory at a time.
    Raises PictureError for a picture that cannot be read or is too small for SSIM.
    """
    rows: list[Row] = []
    for sigma in sigmas:
        measured: dict[str, list[tuple[float, float, float]]] = {"noisy": [], **{name: [] for name, _ in denoisers}}
        for number, path in enumerate(pictures):
            clean = _pixels(path)
            noisy = add_gaussian(clean, sigma, seed=seed, number=number)
            measured["noisy"].append((psnr(noisy, clean), ssim(noisy, clean), 0.0))
            for name, denoiser in denoisers:
                tell(name, number)
                started = time.perf_counter()
                result = denoiser(noisy, sigma=sigma if denoiser.card.level == "given" else None)
                seconds = time.perf_counter() - started
                rate = clean.shape[0] * clean.shape[1] / 1e6 / seconds
                measured[name].append((psnr(result, clean), ssim(result, clean), rate))
        for name, figures in measured.items():
            psnrs, ssims, rates = zip(*figures, strict=True)
            rows.append(Row(name, sigma, len(figures), mean(psnrs), mean(ssims), median(rates)))
    return rows


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder, in the order of their names.

    Raises PictureError where there is none.
    """
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    pictures = [path for path in found if path.suffix.lower() in SUFFIXES and path.name[0] != "."]
    if not pictures:
        raise PictureError(f"{folder} is no folder with pictures in it")
    return pictures


def _pixels(path: Path) -> Pixels:
    """Of the first page."""
    pixels = first_pixels(path)
    if min(pixels.shape[:2]) < SMALLEST_SIDE:
        raise PictureError(f"{path} is smaller than {SMALLEST_SIDE} pixels a side, too small to measure SSIM")
    return pixels
