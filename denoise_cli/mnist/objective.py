"""What a network for digits is trained for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from denoise_cli.fitting.forward import restored
from denoise_cli.fitting.noise2noise import distance
from denoise_cli.images.image import Samples
from denoise_cli.networks.blocks import Network
from denoise_cli.noise.spec import NoiseRange
from denoise_cli.noise.synthetic import add_noise

AT_ONCE = 500  # digits, so that memory stays small


@dataclass(frozen=True)
class DigitNoise:
    """Noise of one strength on digits, on the scale of 0 to 1; `clipped` to it or not."""

    noise: NoiseRange
    clipped: bool = True

    def on(self, digits: Samples, random: np.random.Generator) -> torch.Tensor:
        """Digits uint8 `[count, 28, 28]` as float `[count, 1, 28, 28]`, with noise."""
        count, height, width = digits.shape
        clean = digits.reshape(count * height, width, 1).astype(np.float32) / np.float32(255)
        noisy = torch.from_numpy(add_noise(clean, self.noise, random)).reshape(count, 1, height, width)
        return noisy.clamp(0, 1) if self.clipped else noisy


@dataclass(frozen=True)
class DigitNoiseRemoval:
    """Digits with fresh noise as inputs; as targets the digits, or with `noisy_targets` the same with other noise."""

    train: Samples
    held_out: Samples
    noise: DigitNoise
    noisy_targets: bool
    squared: bool
    batch: int
    device: torch.device

    def loss(self, network: Network, random: torch.Generator) -> torch.Tensor:
        chosen = self.train[torch.randint(len(self.train), (self.batch,), generator=random).numpy()]
        draw = np.random.default_rng(int(torch.randint(2**62, (), generator=random)))
        noisy = self.noise.on(chosen, draw)
        target = self.noise.on(chosen, draw) if self.noisy_targets else as_float(chosen)
        result = restored(network, noisy.to(self.device))
        return distance(result, target.to(self.device), squared=self.squared)

    def psnr(self, network: Network) -> float:
        return -10 * float(np.log10(mean_square_error(network, self.held_out, self.noise, self.device)))


def as_float(digits: Samples) -> torch.Tensor:
    return torch.from_numpy(digits.astype(np.float32) / np.float32(255))[:, None]


@torch.no_grad()
def mean_square_error(network: Network, digits: Samples, noise: DigitNoise, device: torch.device) -> float:
    """Mean square error on the scale of 0 to 1, of results clipped to it; the noise is the same every time."""
    random, errors = np.random.default_rng(0), []
    for start in range(0, len(digits), AT_ONCE):
        part = digits[start : start + AT_ONCE]
        clean = restored(network, noise.on(part, random).to(device)).clamp(0, 1).cpu()
        errors.append(float((clean - as_float(part)).square().mean()) * len(part))
    return sum(errors) / len(digits)
