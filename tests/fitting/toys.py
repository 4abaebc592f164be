"""Photos and a recipe so small that a training takes a second."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from denoise_cli.fitting.objective import SyntheticNoise
from denoise_cli.fitting.patches import PatchSource
from denoise_cli.fitting.recipe import Recipe
from denoise_cli.noise.spec import parse_mixture

CPU = torch.device("cpu")
SMALL = Recipe("dncnn", {"channels": 3, "filters": 8, "layers": 4}, steps=40, batch=4, patch=24, warmup=5, ema=0.9)


def smooth(seed: int, side: int = 120) -> np.ndarray:
    """A smooth random colour picture, uint8."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))


def source(smallest: int = 24) -> PatchSource:
    return PatchSource((smooth(seed) for seed in range(3)), expected=3, device=CPU, seed=0, smallest=smallest)


def synthetic(recipe: Recipe) -> SyntheticNoise:
    noise = parse_mixture(recipe.noise)
    return SyntheticNoise(source(), source(96), noise, recipe.batch, recipe.patch, recipe.gray)
