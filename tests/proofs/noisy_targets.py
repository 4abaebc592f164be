"""Whether noisy targets teach as much as clean ones (Noise2Noise, Lehtinen et al. 2018).

    python tests/proofs/noisy_targets.py PHOTOS CBSD68 --steps 1000

Of 50 photographs, parts of 512 x 512 pixels, two shots each with Gaussian noise of sigma 25, unclipped. A network
learns from the shots alone, another from the shots and the clean parts, from scratch, with the same recipe and steps.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import tifffile

from denoise_cli.fitting.clean import read_photos
from denoise_cli.images.formats import SUFFIXES
from denoise_cli.noise.spec import NoiseRange
from denoise_cli.noise.synthetic import add_noise

SCENES, SIDE, SIGMA = 50, 512, 25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("test_set")
    parser.add_argument("-m", "--model", default="dncnn")
    parser.add_argument("--steps", default="1000")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        noisy, clean = Path(folder, "noisy"), Path(folder, "clean")
        shoot(options.photos, noisy, clean)
        how = ["-m", options.model, "--steps", options.steps, "--loss", "l2"]
        results = [f"{folder}/{name}.safetensors" for name in ("from-noisy", "from-clean")]
        denoise_img("fit", "--noisy-only", str(noisy), *how, "--from", "scratch", "--keep-anyway", "-o", results[0])
        denoise_img("fit", "--pairs", str(noisy), str(clean), *how, "-o", results[1])
        denoise_img("bench", options.test_set, "-m", results[0], "-m", results[1], "--sigma", str(SIGMA))


def shoot(photos: Path, noisy: Path, clean: Path) -> None:
    """Writes two shots of each scene, and for each of them the scene without noise."""
    files = sorted(path for path in photos.rglob("*") if path.suffix.lower() in SUFFIXES)
    chosen = [files[number] for number in np.linspace(0, len(files) - 1, 2 * SCENES).astype(int)]
    large = (photo for photo in read_photos(chosen, 3) if min(photo.shape[:2]) >= SIDE)
    for number, photo in zip(range(SCENES), large, strict=False):
        top, left = ((length - SIDE) // 2 for length in photo.shape[:2])
        scene = photo[top : top + SIDE, left : left + SIDE].astype(np.float32) / 255
        for shot in range(2):
            random = np.random.default_rng((number, shot))
            for folder, pixels in (
                (noisy, add_noise(scene, NoiseRange("gaussian", SIGMA, SIGMA), random)),
                (clean, scene),
            ):
                path = folder / f"{number:02d}-{shot}.tif"
                path.parent.mkdir(exist_ok=True)
                tifffile.imwrite(path, pixels, photometric="rgb")


def denoise_img(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "denoise_cli", *words], check=True)


if __name__ == "__main__":
    main()
