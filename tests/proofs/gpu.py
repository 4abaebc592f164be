"""How fast the networks are on a GPU, and whether it computes what a CPU does.

    python tests/proofs/gpu.py -m photo -m unet -m dncnn -m win5rb -m cnn -m cae

From pixels in memory to pixels in memory, 24 megapixels, told the level: megapixels a second, the share of what the
card multiplies in bfloat16 (large matrices, in the same run), the memory it takes there, and how much faster that is
than one tile after the other, copies and all. And on half a megapixel how far results are from those of the CPU in
float32, the largest difference of 255 levels in float32 and the root of the mean square in bfloat16, and whether a
second run gives the same bytes.
"""

from __future__ import annotations

import argparse
from unittest import mock

import numpy as np
import torch

from denoise_cli.denoisers import catalogue
from denoise_cli.denoisers.denoiser import Denoiser
from denoise_cli.measure.speed import SIGMA, denoised, megapixels_per_second, multiplication_rate
from denoise_cli.runtime import lanes

LARGE, SMALL = (4000, 6000), (600, 900, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-m", "--model", action="append", required=True)
    parser.add_argument("--tile", action="append", help="in place of the usual; several to compare")
    options = parser.parse_args()
    rate = next(multiplication_rate("cuda", "bf16"))
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}: {rate / 1e12:.0f} T multiply-adds/s in bf16")
    small = np.random.default_rng(0).random(SMALL, np.float32)
    for model in options.model:
        for tile in options.tile or ["auto"]:
            here = {"device": "cuda", "tile": int(tile) if tile.isdigit() else tile}
            torch.cuda.reset_peak_memory_stats()
            fast = loaded(model, **here)
            speed, memory = megapixels_per_second(fast, *LARGE), torch.cuda.max_memory_allocated() / 2**20
            with mock.patch.object(lanes, "CUDA_LANES", 1):
                alone = megapixels_per_second(loaded(model, **here), *LARGE)
            share = speed * 1e6 * (fast.card.macs_per_pixel or 0) / rate
            print(
                f"{model:7} tile {tile:5} {speed:6.1f} MP/s, {share:.1%} of the card, {memory:5.0f} MiB; "
                f"{speed / alone:.2f} x one tile after the other",
                flush=True,
            )
        cpu, exact = (loaded(model, device=device, precision="fp32") for device in ("cpu", "cuda"))
        expected, result, again = (denoised(one, small, SIGMA) for one in (cpu, fast, fast))
        print(
            f"{model:7} from the CPU's: {255 * np.abs(denoised(exact, small, SIGMA) - expected).max():.4f} in float32, "
            f"{255 * np.sqrt(np.square(result - expected).mean()):.3f} in bfloat16; "
            f"{'the same' if np.array_equal(result, again) else 'OTHER'} bytes again",
            flush=True,
        )


def loaded(model: str, **options: str | int) -> Denoiser:
    return catalogue.load(model, **options)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
