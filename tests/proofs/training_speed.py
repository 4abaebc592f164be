"""How long a training step takes, plain and compiled.

    python tests/proofs/training_speed.py -m unet -m dncnn

Noise, network, gradients and optimizers, by the networks' own recipes: the median, without the first few.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from statistics import median

import numpy as np
import torch

from denoise_cli.fitting.loop import train
from denoise_cli.fitting.objective import SyntheticNoise
from denoise_cli.fitting.patches import PatchSource
from denoise_cli.fitting.recipes import recipe
from denoise_cli.networks import build
from denoise_cli.noise.spec import parse_mixture
from denoise_cli.runtime.device import choose_device

STEPS, WARM = 25, 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-m", "--model", action="append", required=True)
    for name in parser.parse_args().model:
        plain, compiled = (seconds_a_step(name, compile=compile) for compile in (False, True))
        print(f"{name}: {plain:.2f} s, compiled {compiled:.2f} s, {compiled / plain:.2f} of it", flush=True)


def seconds_a_step(name: str, *, compile: bool) -> float:
    """The median, without the first few."""
    device = choose_device("auto")
    chosen = replace(recipe(name), steps=STEPS)
    photo = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)
    source = PatchSource([photo], expected=1, device=device, seed=0, smallest=chosen.patch)
    objective = SyntheticNoise(source, source, parse_mixture(chosen.noise), chosen.batch, chosen.patch)
    times: list[float] = []

    def tick(step: int, steps: int) -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter())

    train(build(chosen.architecture, chosen.arguments), chosen, objective, device=device, tick=tick, compile=compile)
    return median(float(step) for step in np.diff(times)[WARM:])


if __name__ == "__main__":
    main()
