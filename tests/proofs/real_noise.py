"""Denoisers on the noise of real cameras, where no clean picture exists but other shots of the same scene do.

    python tests/proofs/real_noise.py CC15 burst-s95 -m photo -m gaussian --level 10 --level 20

A folder holds either pairs, `NAME_real.png` and `NAME_mean.png`, the latter the mean of many shots, or a burst: frames
of one scene, held by hand. A frame of a burst is compared with the mean of all others: patch by patch these are shifted
onto it (phase correlation, to 1/20 pixel), and their brightness is fitted to it, a gain and an offset for each channel.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
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

SIDE, EDGE = 512, 32  # of a patch, and what of it is lost to shifting
ROWS, COLUMNS = 3, 4  # of patches in a frame
BLURS = (0.5, 0.7, 0.85, 1.0, 1.2, 1.4, 1.7, 2.0, 2.5)
Patch = tuple[slice, slice, Pixels]  # where it is, and what it should look like
Case = tuple[Pixels, list[Patch]]  # a noisy picture, and what is known of it


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("-m", "--model", action="append", required=True)
    parser.add_argument("--level", action="append", type=float, default=[], help="told instead of estimated")
    options = parser.parse_args()
    for folder in options.folders:
        cases = list(pairs(folder) if list(folder.glob("*_real.*")) else burst(folder))
        print(f"{folder.name}: {len(cases)} pictures, noisy {mean(score(noisy, case) for noisy, case in cases):.2f} dB")
        blurs = {size: mean(score(load("gaussian", size=size)(noisy), case) for noisy, case in cases) for size in BLURS}
        best = max(blurs, key=lambda size: blurs[size])
        print(f"  best Gaussian blur, {best} pixels: {blurs[best]:.2f} dB")
        for name in options.model:
            judge(name, load(name), cases, options.level)


def judge(name: str, denoiser: Denoiser, cases: list[Case], levels: list[float]) -> None:
    estimates = [denoiser.estimate(noisy) for noisy, _ in cases]
    by_default = mean(score(denoiser(noisy), case) for noisy, case in cases)
    print(f"  {name}: {by_default:.2f} dB, levels estimated {min(estimates):.1f} to {max(estimates):.1f}", flush=True)
    if denoiser.card.level == "given":
        for level in levels:
            told = mean(score(denoiser(noisy, sigma=level), case) for noisy, case in cases)
            print(f"    level {level:g}: {told:.2f} dB", flush=True)


def score(result: Pixels, case: list[Patch]) -> float:
    """The mean PSNR of the patches."""
    return mean(psnr(result[rows, columns], truth) for rows, columns, truth in case)


def pairs(folder: Path) -> Iterator[Case]:
    for path in sorted(folder.glob("*_real.*")):
        truth = first_pixels(path.with_name(path.name.replace("_real.", "_mean.")))
        yield first_pixels(path), [(slice(None), slice(None), truth)]


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
    gains = []
    for channel in range(frame.shape[2]):
        ours = np.concatenate([frame[rows, columns, channel].ravel() for rows, columns, _ in patches])
        theirs = np.concatenate([truth[:, :, channel].ravel() for _, _, truth in patches])
        gains.append(np.polyfit(theirs, ours, 1))
    gain, offset = np.array(gains, np.float32).T
    return [(rows, columns, np.asarray(truth * gain + offset, np.float32)) for rows, columns, truth in patches]


if __name__ == "__main__":
    main()
