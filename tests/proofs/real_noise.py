"""Denoisers on the noise of real cameras, where no clean picture exists but other shots of the same scene do.

    python tests/proofs/real_noise.py CC15 burst-s95 W2S -m photo -m gaussian --level 10 --level 20

A folder holds pairs, `NAME_real.png` and `NAME_mean.png`, the latter the mean of many shots; or a microscope's,
`avg1_NAME.tif` and `avg400_NAME.tif`, where gain and offset differ, so that results are fitted to the mean by these two
first; or a burst: frames of one scene, held by hand, of which `--frame N` judges only one. A frame of a burst is
compared with the mean of all others: patch by patch these are shifted onto it (by cross-correlation, to 1/20 pixel) and
their brightness is fitted to it, by gain and offset for each channel. What has moved in between does not count.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np

from denoise_cli.denoisers.catalogue import load
from denoise_cli.denoisers.denoiser import Denoiser
from denoise_cli.fitting.register import Square, drift, registered
from denoise_cli.images.formats import first_picture
from denoise_cli.images.image import Pixels
from denoise_cli.measure.quality import psnr
from denoise_cli.measure.sets import paired_set, read_pair
from denoise_cli.noise.estimate import estimate_sigma

SIDE = 512  # of a patch
ROWS, COLUMNS = 3, 4  # of patches in a frame
BLURS = (0.5, 0.7, 0.85, 1.0, 1.2, 1.4, 1.7, 2.0, 2.5, 3.0)
MEDIANS = (3, 5, 7)
CANDIDATES = (1.0, 2.0, 4.0, 6.0, 9.0, 13.0, 18.0, 25.0, 35.0)  # of levels


@dataclass(frozen=True)
class Case:
    """A noisy picture, and what parts of it should look like, NaN where nobody knows; after a fit if `fitted`."""

    noisy: Pixels
    parts: list[tuple[slice, slice, Pixels]]
    fitted: bool = False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("-m", "--model", action="append", required=True)
    parser.add_argument("--level", action="append", type=float, default=[], help="told instead of estimated")
    parser.add_argument("--estimators", action="store_true", help="compare ways to estimate the level")
    parser.add_argument("--frame", type=int, help="of a burst, the one that is judged, from 1")
    options = parser.parse_args()
    for folder in options.folders:
        cases = list(cases_of(folder, options.frame))
        noisy = mean(score(case.noisy, case) for case in cases)
        print(f"{folder.name}: {len(cases)} pictures, noisy {noisy:.2f} dB")
        for name, sizes in (("gaussian", BLURS), ("median", MEDIANS)):
            results = {size: mean(score(load(name, size=size)(case.noisy), case) for case in cases) for size in sizes}
            best = max(results, key=lambda size: results[size])
            print(f"  {name}, best at size {best}: {results[best]:.2f} dB")
        for name in options.model:
            judge(name, load(name), cases, options.level, estimators=options.estimators)


def judge(name: str, denoiser: Denoiser, cases: list[Case], levels: list[float], *, estimators: bool) -> None:
    result = mean(score(denoiser(case.noisy), case) for case in cases)
    print(f"  {name}: {result:.2f} dB", flush=True)
    if denoiser.card.level != "given":
        return
    print(f"    one level, its own estimate: {result_with(denoiser, cases, denoiser.estimate)}", flush=True)
    for level in levels:
        told = mean(score(denoiser(case.noisy, sigma=level), case) for case in cases)
        print(f"    level {level:g}: {told:.2f} dB", flush=True)
    if estimators:
        for scale in (1.0, 1.5, 2.0, 3.0):
            by_wavelets = result_with(denoiser, cases, lambda noisy, scale=scale: scale * estimate_sigma(noisy))
            print(f"    level by wavelets, times {scale}: {by_wavelets}", flush=True)
        by_neighbours = result_with(denoiser, cases, lambda noisy: level_by_neighbours(denoiser, noisy))
        print(f"    level by sub-sampled neighbours: {by_neighbours}", flush=True)


def result_with(denoiser: Denoiser, cases: list[Case], estimate: Callable[[Pixels], float]) -> str:
    """PSNR with levels from an estimator, and what those are."""
    levels = [estimate(case.noisy) for case in cases]
    results = [score(denoiser(case.noisy, sigma=level), case) for case, level in zip(cases, levels, strict=True)]
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


def score(result: Pixels, case: Case) -> float:
    """The mean PSNR of the parts, where the truth is known."""
    ratios = []
    for rows, columns, truth in case.parts:
        known = ~np.isnan(truth)
        ours, theirs = result[rows, columns][known], truth[known]
        if case.fitted:
            ours = np.polyval(np.polyfit(ours, theirs, 1), ours)
        ratios.append(psnr(ours, theirs))
    return mean(ratios)


def cases_of(folder: Path, frame: int | None) -> Iterator[Case]:
    if list(folder.glob("*_real.*")):
        return pairs(folder, "*_real.*", "*_mean.*")
    if list(folder.glob("avg1_*")):
        return pairs(folder, "avg1_*", "avg400_*", fitted=True)
    return burst(folder, frame)


def pairs(folder: Path, noisy: str, clean: str, *, fitted: bool = False) -> Iterator[Case]:
    shots = paired_set(f"{folder}/{noisy}", f"{folder}/{clean}")
    for one, mean_of_many in map(read_pair, shots.noisy, shots.clean):
        yield Case(one, [(slice(None), slice(None), mean_of_many)], fitted)


def burst(folder: Path, only: int | None = None) -> Iterator[Case]:
    frames = [first_picture(path)[0].pixels for path in sorted(folder.iterdir())]
    height, width = frames[0].shape[:2]
    for number, frame in enumerate(frames):
        if only not in (None, number + 1):
            continue
        others = [(other, drift(frame, other)) for other in frames[:number] + frames[number + 1 :]]
        patches = []
        for top in np.linspace(0, height - SIDE, ROWS):
            for left in np.linspace(0, width - SIDE, COLUMNS):
                square = Square(int(top), int(left), SIDE)
                truth = np.mean([registered(frame, other, square, moved) for other, moved in others], axis=0)
                if np.isnan(truth).mean() > 0.5:
                    continue
                rows, columns = slice(square.top, square.top + SIDE), slice(square.left, square.left + SIDE)
                patches.append((rows, columns, truth))
        yield Case(frame, patches)


if __name__ == "__main__":
    main()
