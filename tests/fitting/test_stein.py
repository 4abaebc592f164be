from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from denoise_cli.fitting.stein import _grain, stein_psnr
from denoise_cli.noise.measure import NoiseFacts

WHITE = NoiseFacts((), (0.0, 0.0, 0.0), colour=0.0)
SIGMA = torch.full((4, 1, 128, 128), 0.06)


def clean(seed: int = 0) -> torch.Tensor:
    """`[4, 3, 128, 128]`, smooth."""
    random = np.random.default_rng(seed)
    rough = gaussian_filter(random.standard_normal((4, 3, 128, 128)), (0, 0, 6, 6))
    return torch.from_numpy((0.5 + rough).astype(np.float32)).clamp(0.2, 0.8)


def blur(width: float) -> Callable[[torch.Tensor], torch.Tensor]:
    def blurred(x: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(gaussian_filter(x.numpy(), (0, 0, width, width)))

    return blurred


def true_psnr(result: torch.Tensor) -> float:
    return -10 * math.log10(float((result - clean()).square().mean()))


def noise(width: float = 0.0) -> torch.Tensor:
    grain = np.random.default_rng(1).standard_normal((4, 3, 128, 128))
    if width:
        grain = gaussian_filter(grain, (0, 0, width, width))
    return torch.from_numpy((grain / grain.std()).astype(np.float32))


@pytest.mark.parametrize("width", [0.3, 0.8, 2.0, 5.0])
def test_the_error_is_known_without_the_truth(width: float) -> None:
    noisy = clean() + 0.06 * noise()
    told = stein_psnr(blur(width), noisy, SIGMA, WHITE, torch.Generator().manual_seed(0))
    assert told == pytest.approx(true_psnr(blur(width)(noisy)), abs=0.7)


def test_noise_may_follow_the_light() -> None:
    noisy = clean() + 0.1 * clean() * noise()
    sigma = 0.1 * clean().mean(dim=1, keepdim=True)
    told = stein_psnr(blur(1.0), noisy, sigma, WHITE, torch.Generator().manual_seed(0))
    assert told == pytest.approx(true_psnr(blur(1.0)(noisy)), abs=0.7)


def test_wide_grain_is_not_taken_for_picture() -> None:
    noisy = clean() + 0.06 * noise(0.8)
    alike = tuple(math.exp(-((distance / 0.8) ** 2) / 4) for distance in (1, 2, 3))
    facts = NoiseFacts(((0.5, 0.06 * 255),), alike, colour=0.0)
    told = stein_psnr(blur(1.5), noisy, SIGMA, facts, torch.Generator().manual_seed(0))
    assert told == pytest.approx(true_psnr(blur(1.5)(noisy)), abs=0.7)
    assert told < stein_psnr(blur(2.5), noisy, SIGMA, facts, torch.Generator().manual_seed(0))


def test_gray_noise_is_the_same_in_all_channels() -> None:
    gray = clean()[:, :1]
    noisy = (gray + 0.06 * noise()[:, :1]).expand(-1, 3, -1, -1)

    def mixed(x: torch.Tensor) -> torch.Tensor:
        return blur(1.0)(x.mean(dim=1, keepdim=True).expand_as(x))

    facts = NoiseFacts(((0.5, 0.06 * 255),), (0.0, 0.0, 0.0))
    told = stein_psnr(mixed, noisy, SIGMA, facts, torch.Generator().manual_seed(0))
    true = -10 * math.log10(float((mixed(noisy) - gray).square().mean()))
    assert told == pytest.approx(true, abs=0.7)


@pytest.mark.parametrize("alike", [0.0, 0.1, 0.3, 0.5, 0.7])
def test_the_noise_that_is_added_is_as_alike_as_the_facts_say(alike: float) -> None:
    facts = NoiseFacts((), (alike, 0.0, 0.0), colour=0.0)
    grain = _grain(torch.rand(4, 3, 128, 128), facts, torch.Generator().manual_seed(0))
    assert float(grain.var()) == pytest.approx(1, rel=0.05)
    for one, other in ((grain[..., 1:], grain[..., :-1]), (grain[..., 1:, :], grain[..., :-1, :])):
        assert float((one * other).mean()) == pytest.approx(alike, abs=0.03)


def test_dim_pictures_are_told_apart() -> None:
    """As 12 bits in files of 16 are: their noise is a hundred thousandth of white."""
    noisy = (clean() + 0.06 * noise()) / 4000
    told = [
        stein_psnr(blur(width), noisy, SIGMA / 4000, WHITE, torch.Generator().manual_seed(0)) for width in (0.3, 0.8)
    ]
    truth = [true_psnr(4000 * blur(width)(noisy)) - 20 * math.log10(1 / 4000) for width in (0.3, 0.8)]
    assert told == pytest.approx(truth, abs=0.7)
