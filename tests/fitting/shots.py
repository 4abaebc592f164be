"""Noisy shots of smooth scenes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from denoise_cli.denoisers.catalogue import load
from denoise_cli.fitting.recipe import Recipe
from denoise_cli.measure.quality import psnr

SCRATCH = Recipe("dncnn", {"channels": 3, "filters": 8, "layers": 4}, steps=200, batch=4, patch=32, learning_rate=3e-3,
                 warmup=5, ema=0.9)  # fmt: skip


def clean(scene: int) -> np.ndarray:
    coarse = np.random.default_rng(scene).integers(60, 200, (6, 6, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((300, 280), Image.Resampling.BICUBIC)).astype(np.float32) / 255


def shot(scene: int, frame: int) -> np.ndarray:
    grain = np.random.default_rng(100 * scene + frame).normal(0, 0.1, (280, 300, 3))
    return (clean(scene) + grain).astype(np.float32)


def singles(folder: Path) -> Path:
    for path in folder.glob("[12]-*"):
        path.unlink()
    return folder


def gain(path: Path) -> float:
    noisy = shot(9, 0)
    return psnr(load(str(path), device="cpu")(noisy), clean(9)) - psnr(noisy, clean(9))
