"""Synthetic noise on pictures."""

from __future__ import annotations

import numpy as np

from denoise_cli.errors import PictureError
from denoise_cli.images.image import Pixels, bands
from denoise_cli.noise.spec import NoiseRange

FAINTEST, MOST_PHOTONS = 1e-9, 1e18  # a level and a pixel's photons; beyond them noise is less than floats can tell


def add_gaussian(pixels: Pixels, sigma: float, *, seed: int, number: int = 0) -> Pixels:
    """White Gaussian noise of a standard deviation on the 0..255 scale, unclipped.

    The noise follows from `seed` and the picture's `number` in its set, so that it is the same in every run and another
    for every picture.
    """
    noise: Pixels = _normal(pixels.shape, np.random.default_rng([seed, number])) * np.float32(sigma / 255)
    return pixels + noise


def add_noise(pixels: Pixels, noise: NoiseRange, random: np.random.Generator) -> Pixels:
    """Noise of any kind on a picture `[height, width, channels]`, its level drawn from the range.

    None but a camera's is clipped.

    The level of `gaussian` is its standard deviation on the 0..255 scale; `poisson` and `speckle` have that deviation
    where the picture is white, and less where it is darker, by the square root of the light or in proportion to it.
    `salt-pepper` makes that many per cent of the pixels black or white, in all channels. `camera` imitates a camera's
    JPEG, so that all is within 0 to 1; see `noise.camera`.
    Raises PictureError for camera noise on a picture that is neither gray nor colour.
    """
    level = np.float32(random.uniform(noise.low, noise.high) / 255)
    noisy: Pixels
    if noise.kind == "camera":
        noisy = _camera(pixels, random)
    elif noise.kind == "salt-pepper":
        place = random.random((*pixels.shape[:2], 1), np.float32)
        share = level * np.float32(2.55)  # per cent, not 255ths
        noisy = np.where(place < share / 2, np.float32(0), np.where(place < share, np.float32(1), pixels))
    elif level < FAINTEST:
        noisy = np.array(pixels)
    elif noise.kind == "poisson":
        noisy = np.empty_like(pixels)
        for rows in bands(len(pixels)):
            light = np.clip(pixels[rows], 0, None).astype(np.float64) / level**2
            photons = random.poisson(np.nan_to_num(light).clip(max=MOST_PHOTONS))
            noisy[rows] = np.where(light < MOST_PHOTONS, photons, light) * level**2
    else:
        scale = pixels if noise.kind == "speckle" else np.float32(1)
        noisy = pixels + level * scale * _normal(pixels.shape, random)
    return noisy


def _normal(shape: tuple[int, ...], random: np.random.Generator) -> Pixels:
    return random.standard_normal(shape, np.float32)


def _camera(pixels: Pixels, random: np.random.Generator) -> Pixels:
    """On colour; gray is the luma of what a colour camera makes of it, as in training."""
    import torch

    from denoise_cli.noise.camera import TAPS, camera_noise, luma

    channels = pixels.shape[2]
    if channels not in (1, 3):
        raise PictureError(f"has {channels} channels, and cameras' pictures have one or three")
    colour = pixels if channels == 3 else np.repeat(pixels, 3, axis=2)
    generator = torch.Generator().manual_seed(int(random.integers(2**31)))
    height, width = pixels.shape[:2]
    short = [max(0, TAPS + 1 - length) for length in (height, width)]  # a blur takes half as much to mirror
    larger = np.pad(colour, ((0, short[0]), (0, short[1]), (0, 0)), mode="symmetric")
    patch = torch.from_numpy(np.ascontiguousarray(larger.transpose(2, 0, 1)))[None]
    result = camera_noise(patch, generator)
    noisy: Pixels = (result if channels == 3 else luma(result)[:, :1])[0].permute(1, 2, 0).numpy()
    return noisy[:height, :width]
