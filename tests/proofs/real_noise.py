"""Denoisers on the noise of real cameras, where no clean picture exists but other shots of the same scene do.

    python tests/proofs/real_noise.py CC15 burst-s95 -m photo -m gaussian --level 10 --level 20

A folder holds either pairs, `NAME_real.png` and `NAME_mean.png`, the latter the mean of many shots, or a burst: frames
of one scene, held by hand. A frame of a burst is compared with the mean of all others: patch by patch these are shifted
onto it (phase correlation, to 1/20 pixel), and their brightness is fitted to it, by gain and offset for each channel.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean

import numpy as np
from scipy.ndimage import gaussian_filter, shift
from skimage.registration import phase_cross_correlation

from denoise_cli.denoisers.catalogue import load
from denoise_cli.denoisers.denoiser import Denoiser
from denoise_cli.images.formats import first_pixels
from denoise_cli.images.image import Pixels
from denoise_cli.measure.quality import psnr
from denoise_cli.measure.sets import paired_set, read_pair
from denoise_cli.noise.estimate import estimate_sigma

SIDE, EDGE = 512, 32  # of a patch, and what of it is lost to shifting
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
    """The mean PSNR of the patches."""
    return mean(psnr(result[rows, columns], truth) for rows, columns, truth in case)


def pairs(folder: Path) -> Iterator[Case]:
    shots = paired_set(f"{folder}/*_real.*", f"{folder}/*_mean.*")
    for noisy, clean in map(read_pair, shots.noisy, shots.clean):
        yield noisy, [(slice(None), slice(None), clean)]


def burst(folder: Path) -> Iterator[Case]:
    frames = [first_pixels(path) for path in sorted(folder.iterdir())]
    height, width = frames[0].shape[:2]
    for number, frame in enumerate(frames):
        others = frames[:number] + frames[number + 1 :]
        patches = [
            _registered(frame, others, int(top), int(left))
            for top in np.linspace(0, height - SIDE, ROWS)
            for left in np.linspace(0, width - SIDE, COLUMNS)
        ]
        yield frame, _fitted(frame, patches)


def _registered(frame: Pixels, others: list[Pixels], top: int, left: int) -> Patch:
    """The mean of the other frames, shifted onto a patch of this one."""
    patch = frame[top : top + SIDE, left : left + SIDE]
    shifted = []
    for other in others:
        there = other[top : top + SIDE, left : left + SIDE]
        # In two steps, as a shift of many pixels leaves less to compare.
        coarse, _, _ = phase_cross_correlation(_outline(patch), _outline(there))
        down, across = (int(move) for move in coarse)
        there = np.roll(there, (down, across), axis=(0, 1))
        fine, _, _ = phase_cross_correlation(_outline(patch), _outline(there), upsample_factor=20)
        shifted.append(shift(there, (*fine, 0), order=3, mode="nearest"))
    inner = slice(EDGE, SIDE - EDGE)
    rows, columns = slice(top + EDGE, top + SIDE - EDGE), slice(left + EDGE, left + SIDE - EDGE)
    return rows, columns, np.mean(shifted, axis=0)[inner, inner]


def _outline(patch: Pixels) -> Pixels:
    """Gray, without noise and uneven light, faded out at the edges, so that only the scene is compared."""
    gray = patch.mean(axis=2)
    window = np.hanning(SIDE)
    outline: Pixels = (gaussian_filter(gray, 1.5) - gaussian_filter(gray, 20)) * np.outer(window, window)
    return outline


def _fitted(frame: Pixels, patches: list[Patch]) -> list[Patch]:
    """For each channel a gain for the frame, and an offset for each patch, as light flickers here and there."""
    ours = np.concatenate([_centred(frame[rows, columns]) for rows, columns, _ in patches])
    theirs = np.concatenate([_centred(truth) for _, _, truth in patches])
    gain = (ours * theirs).sum(axis=0) / (theirs * theirs).sum(axis=0)
    return [
        (rows, columns, np.asarray(gain * (truth - truth.mean(axis=(0, 1))) + frame[rows, columns].mean(axis=(0, 1))))
        for rows, columns, truth in patches
    ]


def _centred(patch: Pixels) -> Pixels:
    """`[pixels, channels]` around the patch's mean."""
    pixels: Pixels = (patch - patch.mean(axis=(0, 1))).reshape(-1, patch.shape[2])
    return pixels


if __name__ == "__main__":
    main()
