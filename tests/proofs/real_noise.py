"""Denoisers on the noise of real cameras, where no clean picture exists but other shots of the same scene do.

    python tests/proofs/real_noise.py CC15 burst-s95 -m photo -m gaussian --level 10 --level 20

A folder holds either pairs, `NAME_real.png` and `NAME_mean.png`, the latter the mean of many shots, or a burst: frames
of one scene, held by hand. A frame of a burst is compared with the mean of all others: patch by patch these are shifted
onto it (by cross-correlation, to 1/20 pixel) and their brightness is fitted to it, by gain and offset for each channel.
What has moved in between does not count.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean

import numpy as np

from denoise_cli.denoisers.catalogue import load
from denoise_cli.denoisers.denoiser import Denoiser
from denoise_cli.fitting.register import Place, drift, laid_upon
from denoise_cli.images.formats import first_pixels
from denoise_cli.images.image import Pixels
from denoise_cli.measure.quality import psnr
from denoise_cli.measure.sets import paired_set, read_pair
from denoise_cli.noise.estimate import estimate_sigma

SIDE = 512  # of a patch
ROWS, COLUMNS = 3, 4  # of patches in a frame
BLURS = (0.5, 0.7, 0.85, 1.0, 1.2, 1.4, 1.7, 2.0, 2.5)
CANDIDATES = (1.0, 2.0, 4.0, 6.0, 9.0, 13.0, 18.0, 25.0, 35.0)  # of levels
Patch = tuple[slice, slice, Pixels]  # where it is, and what it should look like
Case = tuple[Pixels, list[Patch]]  # a noisy picture, and what is known of it


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("-m", "--model", action="append", required=True)
    parser.add_argument("--level", action="append", type=float, default=[], help="told instead of estimated")
    parser.add_argument("--estimators", action="store_true", help="compare ways to estimate the level")
    options = parser.parse_args()
    for folder in options.folders:
        cases = list(pairs(folder) if list(folder.glob("*_real.*")) else burst(folder))
        print(f"{folder.name}: {len(cases)} pictures, noisy {mean(score(noisy, case) for noisy, case in cases):.2f} dB")
        blurs = {size: mean(score(load("gaussian", size=size)(noisy), case) for noisy, case in cases) for size in BLURS}
        best = max(blurs, key=lambda size: blurs[size])
        print(f"  best Gaussian blur, {best} pixels: {blurs[best]:.2f} dB")
        for name in options.model:
            judge(name, load(name), cases, options.level, estimators=options.estimators)


def judge(name: str, denoiser: Denoiser, cases: list[Case], levels: list[float], *, estimators: bool) -> None:
    print(f"  {name}: {result_with(denoiser, cases, denoiser.estimate)}", flush=True)
    if denoiser.card.level != "given":
        return
    for level in levels:
        told = mean(score(denoiser(noisy, sigma=level), case) for noisy, case in cases)
        print(f"    level {level:g}: {told:.2f} dB", flush=True)
    if estimators:
        for scale in (1.0, 1.5, 2.0, 3.0):
            by_wavelets = result_with(denoiser, cases, lambda noisy, scale=scale: scale * estimate_sigma(noisy))
            print(f"    level by wavelets, times {scale}: {by_wavelets}", flush=True)
        by_neighbours = result_with(denoiser, cases, lambda noisy: level_by_neighbours(denoiser, noisy))
        print(f"    level by sub-sampled neighbours: {by_neighbours}", flush=True)


def result_with(denoiser: Denoiser, cases: list[Case], estimate: Callable[[Pixels], float]) -> str:
    """PSNR with levels from an estimator, and what those are."""
    levels = [estimate(noisy) for noisy, _ in cases]
    given = denoiser.card.level == "given"
    results = [
        score(denoiser(noisy, sigma=level if given else None), case)
        for (noisy, case), level in zip(cases, levels, strict=True)
    ]
    return f"{mean(results):.2f} dB, levels {min(levels):.1f} to {max(levels):.1f}"


def level_by_neighbours(denoiser: Denoiser, noisy: Pixels) -> float:
    """The level whose result on every fourth pixel predicts best those between, whose noise is another.

    Self-supervised, after Neighbor2Neighbor (Huang et al. 2021); two pixels down and across, noise hardly correlates.
    """
    height, width = (length // 4 * 4 for length in noisy.shape[:2])
    middle = noisy[: min(height, 2048), : min(width, 2048)]
    here, there = middle[::4, ::4], middle[2::4, 2::4]
    errors = {level: float(np.mean((denoiser(here, sigma=level) - there) ** 2)) for level in CANDIDATES}
    return min(errors, key=lambda level: errors[level])


def score(result: Pixels, case: list[Patch]) -> float:
    """The mean PSNR of the patches, where the truth is known."""
    ratios = []
    for rows, columns, truth in case:
        known = ~np.isnan(truth)
        ratios.append(psnr(result[rows, columns][known], truth[known]))
    return mean(ratios)


def pairs(folder: Path) -> Iterator[Case]:
    shots = paired_set(f"{folder}/*_real.*", f"{folder}/*_mean.*")
    for noisy, clean in map(read_pair, shots.noisy, shots.clean):
        yield noisy, [(slice(None), slice(None), clean)]


def burst(folder: Path) -> Iterator[Case]:
    frames = [first_pixels(path) for path in sorted(folder.iterdir())]
    height, width = frames[0].shape[:2]
    for number, frame in enumerate(frames):
        others = [(other, drift(frame, other)) for other in frames[:number] + frames[number + 1 :]]
        patches = []
        for top in np.linspace(0, height - SIDE, ROWS):
            for left in np.linspace(0, width - SIDE, COLUMNS):
                place = Place(int(top), int(left), SIDE)
                truth = np.mean([laid_upon(frame, other, place, moved) for other, moved in others], axis=0)
                if np.isnan(truth).mean() > 0.5:
                    continue
                rows, columns = slice(place.top, place.top + SIDE), slice(place.left, place.left + SIDE)
                patches.append((rows, columns, truth))
        yield frame, patches


if __name__ == "__main__":
    main()
