"""What it does to Win5-RB's figures when the noise is one and the same field in training and in the test.

    python tests/proofs/fixed_noise.py PHOTOS BSD68 --steps 3000

Two gray networks are trained alike, sigma 25, but for the noise: one with patches of a single field, as where a seed is
set anew for every picture, the other with fresh noise. Both are tested with that field and with another.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import mean

import numpy as np
import torch
import torch.nn.functional as F

from denoise_cli.fitting.clean import read_photos
from denoise_cli.fitting.optimizers import optimizers
from denoise_cli.fitting.patches import PatchSource
from denoise_cli.measure.quality import psnr
from denoise_cli.measure.sets import clean_set, read
from denoise_cli.networks import build
from denoise_cli.networks.blocks import Network
from denoise_cli.runtime.precision import autocast

SIDE, PATCH, BATCH, SIGMA, RATE = 512, 64, 16, 25 / 255, 1e-3
CPU = torch.device("cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("test_set", type=Path)
    parser.add_argument("--steps", type=int, default=3000)
    options = parser.parse_args()
    files = clean_set(options.photos).clean
    photos = PatchSource(read_photos(files, 1), expected=len(files), device=CPU, seed=0, smallest=PATCH)
    pictures = [read(path) for path in clean_set(options.test_set).clean]
    field, another = (np.random.default_rng(seed).standard_normal((SIDE, SIDE, 1), np.float32) for seed in (0, 1))
    print("trained with     tested with its field   with another")
    for name, fixed in (("one field", torch.from_numpy(field[:, :, 0])), ("fresh noise", None)):
        network = train(photos, fixed, options.steps)
        scores = [mean(score(network, picture, noise) for picture in pictures) for noise in (field, another)]
        print(f"{name:15s}  {scores[0]:15.2f} dB  {scores[1]:15.2f} dB", flush=True)


def train(photos: PatchSource, field: torch.Tensor | None, steps: int) -> Network:
    torch.manual_seed(0)
    network = build("win5rb", {"channels": 1}).to(memory_format=torch.channels_last)
    both = optimizers(network, lr=RATE, weight_decay=0.0)
    for step in range(steps):
        random = torch.Generator().manual_seed(step)
        clean = photos.patches(BATCH, PATCH, random)
        grain = torch.randn(clean.shape, generator=random) if field is None else patches_of(field, random)
        for optimizer in both:
            for group in optimizer.param_groups:
                group["lr"] = RATE * (1 - step / steps)
        with autocast(CPU):
            restored = network(clean + SIGMA * grain)
        network.zero_grad(set_to_none=True)
        F.l1_loss(restored.float(), clean).backward()
        for optimizer in both:
            optimizer.step()
    return network.eval()


def patches_of(field: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    places = torch.randint(0, SIDE - PATCH + 1, (BATCH, 2), generator=random).tolist()
    return torch.stack([field[top : top + PATCH, left : left + PATCH] for top, left in places])[:, None]


@torch.inference_mode()
def score(network: Network, clean: np.ndarray, noise: np.ndarray) -> float:
    noisy = clean + np.float32(SIGMA) * noise[: clean.shape[0], : clean.shape[1]]
    with autocast(CPU):
        restored = network(torch.from_numpy(noisy.transpose(2, 0, 1).copy())[None]).float()
    return psnr(restored[0].permute(1, 2, 0).numpy(), clean)


if __name__ == "__main__":
    main()
