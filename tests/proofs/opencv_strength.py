"""How strongly OpenCV's non-local means should act: PSNR by its `h`, in standard deviations of the noise.

Measured on the photographs that `fit --clean` holds out, so that it is not made to fit a test set.
"""

from __future__ import annotations

import sys
from statistics import mean

import cv2
import numpy as np

from denoise_cli.fitting.clean import HELD_OUT
from denoise_cli.images.formats import first_picture
from denoise_cli.measure.quality import as_8_bit, psnr
from denoise_cli.measure.sets import pictures
from denoise_cli.noise.synthetic import add_gaussian

SIDE = 256  # of the middle of each
STRENGTHS = (0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.3)


def main() -> None:
    crops = []
    for path in pictures(sys.argv[1])[::HELD_OUT]:
        pixels = first_picture(path)[0].pixels
        top, left = (pixels.shape[0] - SIDE) // 2, (pixels.shape[1] - SIDE) // 2
        crops.append(pixels[top : top + SIDE, left : left + SIDE])
    for sigma in (15, 25, 50):
        noisy = [as_8_bit(add_gaussian(crop, sigma, seed=0, number=number)) for number, crop in enumerate(crops)]
        for strength in STRENGTHS:
            h = strength * sigma
            clean = [cv2.fastNlMeansDenoisingColored(one, None, h, h, 7, 21) for one in noisy]
            scores = [psnr(one.astype(np.float32) / 255, crop) for one, crop in zip(clean, crops, strict=True)]
            print(f"sigma {sigma}, h {strength:g} sigma: {mean(scores):.2f} dB", flush=True)


if __name__ == "__main__":
    main()
