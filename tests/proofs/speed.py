"""Megapixels a second of dncnn and win5rb: eager float32 PyTorch on the whole picture, and this package's ways.

All in one run, taking turns, medians of three; the weights are random, which changes nothing about the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch

from denoise_cli.networks import build
from denoise_cli.runtime import tiles
from denoise_cli.runtime.fused import fused
from denoise_cli.runtime.precision import choose_dtype, native_bf16

SIDE, TILES, TURNS = 512, (192, 256, 320), 3
CPU = torch.device("cpu")


def main() -> None:
    print(f"{SIDE} x {SIDE} pixels, {torch.get_num_threads()} threads, native bfloat16: {native_bf16(CPU)}")
    for architecture in ("dncnn", "win5rb"):
        network = build(architecture, {"channels": 3}).eval()
        here = fused(network, CPU, choose_dtype("auto", CPU))
        pixels = np.random.default_rng(0).random((SIDE, SIDE, 3), np.float32)

        def run(part: np.ndarray, how: torch.nn.Module) -> np.ndarray:
            x = torch.from_numpy(np.ascontiguousarray(part.transpose(2, 0, 1)))[None]
            return how(x)[0].permute(1, 2, 0).numpy()

        ways: dict[str, Callable[[], object]] = {
            "eager, whole": lambda run=run, network=network, pixels=pixels: run(pixels, network),
            "fused, whole": lambda run=run, here=here, pixels=pixels: run(pixels, here),
        }
        for side in TILES:
            ways[f"fused, tiles of {side}"] = lambda side=side, run=run, here=here, network=network, pixels=pixels: (
                tiles.apply(
                    lambda part: run(part, here),
                    pixels,
                    tiles.plan(SIDE, SIDE, tile=(side, side), margin=network.radius),
                )
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
            rate = SIDE * SIDE / 1e6 / median(times)
            print(f"{architecture:8}{name:22}{rate:8.3f} MP/s  {eager / median(times):5.2f} x eager")


if __name__ == "__main__":
    main()
