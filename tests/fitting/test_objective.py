"""Noise and what is learnt of it."""

from __future__ import annotations

import pytest
import torch

from denoise_cli.fitting.loop import train
from denoise_cli.fitting.noisy import NoisyPatches, noisy_patches
from denoise_cli.fitting.objective import mean_psnr, training_loss
from denoise_cli.fitting.recipe import Recipe
from denoise_cli.networks import build
from denoise_cli.noise.camera import strength
from denoise_cli.noise.spec import NoiseRange, parse_mixture
from tests.fitting.toys import CPU, source, synthetic


def test_training_noise_is_unclipped_and_its_levels_cover_the_range() -> None:
    clean = torch.ones(8, 3, 64, 64)
    made = noisy_patches(clean, [NoiseRange("gaussian", 0, 55)], torch.Generator().manual_seed(0))
    noise = made.noisy - clean
    assert torch.allclose(noise.std(dim=(1, 2, 3)), made.sigma.flatten(), rtol=0.05)
    levels = sorted((noise.std(dim=(1, 2, 3)) * 255).tolist())
    assert noise.max() > 0
    for number, level in enumerate(levels):  # one in each eighth of the range
        assert number * 55 / 8 - 1 < level < (number + 1) * 55 / 8 + 1


def test_some_patches_lose_their_colour_and_their_noise_has_none_either() -> None:
    clean = source().patches(64, 24, torch.Generator().manual_seed(1))
    random = torch.Generator().manual_seed(0)
    made = noisy_patches(clean, [NoiseRange("gaussian", 10, 20)], random, gray=0.25)
    gray = (made.clean == made.clean[:, :1]).flatten(1).all(dim=1)
    assert 6 < gray.sum() < 26
    assert torch.allclose(made.noisy[gray], made.noisy[gray][:, :1].expand(-1, 3, -1, -1), atol=1e-6)
    assert (made.noisy[~gray] - made.noisy[~gray][:, :1]).abs().mean() > 0.01
    assert torch.equal(made.clean[~gray], clean[~gray])


def test_levels_of_camera_noise_are_measured_and_told_inexactly() -> None:
    clean = source().patches(16, 24, torch.Generator().manual_seed(1))
    made = noisy_patches(clean, [NoiseRange("camera")], torch.Generator().manual_seed(0))
    assert torch.equal(made.sigma, strength(made.noisy - made.clean))
    ratio = made.told / made.sigma
    assert 0.79 < ratio.min() < ratio.max() < 1.26


def test_a_mixture_has_each_kind_where_it_should_be() -> None:
    clean = source().patches(64, 24, torch.Generator().manual_seed(1))
    made = noisy_patches(clean, parse_mixture("gaussian:100-100+camera"), torch.Generator().manual_seed(0), gray=0.3)
    gaussian = made.sigma.flatten() == torch.tensor(100 / 255)
    assert torch.allclose(strength(made.noisy - made.clean)[gaussian], made.sigma[gaussian], rtol=0.2)
    assert 20 < gaussian.sum() < 44
    assert made.noisy[gaussian].max() > 1
    assert made.noisy[~gaussian].max() <= 1
    gray = (made.clean == made.clean[:, :1]).flatten(1).all(dim=1)
    assert (made.noisy[gray] - made.noisy[gray][:, :1]).abs().max() < 1e-6


def test_the_estimator_is_trained_with_its_network() -> None:
    arguments = {"widths": [8, 12], "blocks": 1, "estimates": True}
    short = Recipe("unet", arguments, noise="gaussian:20-20", steps=60, batch=4, patch=24, ema=0.9, warmup=5)
    torch.manual_seed(0)
    network = build("unet", arguments)
    made = noisy_patches(source().patches(8, 24, torch.Generator().manual_seed(1)), [NoiseRange("gaussian", 20, 20)],
                         torch.Generator().manual_seed(2))  # fmt: skip
    assert network.level is not None
    before = (network.level(made.noisy) * 255 - 20).abs().mean()
    trained = train(network, short, synthetic(short), device=CPU)
    assert trained.level is not None
    assert (trained.level(made.noisy) * 255 - 20).abs().mean() < before / 4


def test_absolute_and_squared_errors() -> None:
    clean = torch.full((1, 3, 8, 8), 0.5)
    patches = NoisyPatches(clean, clean + 0.2, *torch.zeros(2, 1, 1, 1, 1))
    same = build("cnn", {"filters": 8, "layers": 3})
    with torch.no_grad():
        for parameter in same.parameters():
            parameter.zero_()
    absolute, squared = (training_loss(same.eval(), patches, squared=way).item() for way in (False, True))
    assert absolute > 0.1
    assert squared == pytest.approx(absolute**2, rel=0.01)


def test_a_patch_without_any_error_does_not_make_the_mean_infinite() -> None:
    white = torch.ones(2, 3, 8, 8)
    patches = NoisyPatches(white, white, torch.zeros(2, 1, 1, 1), torch.zeros(2, 1, 1, 1))
    network = build("cnn", {"channels": 3}).eval()
    for parameter in network.parameters():
        parameter.data.zero_()
    assert mean_psnr(network, patches) < 71
