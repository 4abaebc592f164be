"""Megapixels a second of dncnn, win5rb and unet: eager float32 PyTorch on the whole picture, and this package's ways.

All in one run, taking turns, medians of three; the weights are random, which changes nothing about the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch

from denoise_cli.networks import build
from denoise_cli.networks.blocks import with_sigma
from denoise_cli.runtime import tiles
from denoise_cli.runtime.fused import fused
from denoise_cli.runtime.precision import choose_dtype, native_bf16

# Pixels a side of the picture and of tiles.
SIZES = {"dncnn": (512, (192, 256, 320)), "win5rb": (512, (192, 256, 320)), "unet": (1536, (512, 768, 1024))}
TURNS = 3
CPU = torch.device("cpu")


def main() -> None:
    print(f"{torch.get_num_threads()} threads, native bfloat16: {native_bf16(CPU)}")
    for architecture, (side, tile_sides) in SIZES.items():
        network = build(architecture, {"channels": 3}).eval()
        here = fused(network, CPU, choose_dtype("auto", CPU))
        pixels = np.random.default_rng(0).random((side, side, 3), np.float32)

        def run(part: np.ndarray, how: torch.nn.Module, takes_sigma: bool = network.takes_sigma) -> np.ndarray:
            x = torch.from_numpy(np.ascontiguousarray(part.transpose(2, 0, 1)))[None]
            return how(with_sigma(x, 0.1) if takes_sigma else x)[0].permute(1, 2, 0).numpy()

        ways: dict[str, Callable[[], object]] = {
            "eager, whole": lambda run=run, network=network, pixels=pixels: run(pixels, network),
            "fused, whole": lambda run=run, here=here, pixels=pixels: run(pixels, here),
        }
        for tile in tile_sides:
            plan = list(tiles.plan(side, side, tile=(tile, tile), margin=network.radius, multiple=network.multiple))
            ways[f"fused, tiles of {tile}"] = lambda run=run, here=here, pixels=pixels, plan=plan: tiles.apply(
                lambda part: run(part, here), pixels, iter(plan), np.empty_like(pixels)
            )
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        with torch.inference_mode():
            for _ in range(TURNS):
                for name, way in ways.items():
                    started = time.perf_counter()
                    way()
                    seconds[name].append(time.perf_counter() - started)
        eager = median(seconds["eager, whole"])
        for name, times in seconds.items():
            rate = side * side / 1e6 / median(times)
            print(f"{architecture:8}{side}²  {name:22}{rate:8.3f} MP/s  {eager / median(times):5.2f} x eager")


if __name__ == "__main__":
    main()
