from __future__ import annotations

import pytest
import torch

from denoise_cli.noise.camera import camera_noise, demosaicked, softened


def flat(light: float, count: int = 64, side: int = 64) -> torch.Tensor:
    return torch.full((count, 3, side, side), light)


def test_the_same_generator_gives_the_same_noise_and_every_patch_another() -> None:
    clean = flat(0.5, count=8)
    first, again = (camera_noise(clean, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, again)
    assert len({round(float(patch.std()), 6) for patch in first}) == 8


def test_it_spans_from_hardly_any_to_much_and_stays_in_range() -> None:
    clean = flat(0.4)
    noisy = camera_noise(clean, torch.Generator().manual_seed(0))
    levels = (noisy - clean).std(dim=(1, 2, 3)) * 255
    assert levels.min() < 2.5
    assert levels.max() > 20
    assert noisy.min() >= 0
    assert noisy.max() <= 1


def test_its_grain_is_wider_than_a_pixel() -> None:
    """Neighbours are alike, as demosaicking, smoothing and JPEG make them; distant pixels are not."""
    noise = camera_noise(flat(0.4), torch.Generator().manual_seed(0)) - 0.4
    noise = noise - noise.mean(dim=(2, 3), keepdim=True)
    noise = noise[noise.std(dim=(1, 2, 3)) > 1 / 255]

    def correlation(distance: int) -> float:
        products = noise[..., :-distance] * noise[..., distance:]
        return float((products.mean(dim=(1, 2, 3)) / noise.square().mean(dim=(1, 2, 3))).median())

    assert correlation(1) > 0.3
    assert abs(correlation(16)) < 0.1


@pytest.mark.parametrize("phase", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_demosaicking_keeps_the_sites_and_interpolates_between(phase: tuple[int, int]) -> None:
    noise = torch.randn(1, 3, 12, 12)
    result = demosaicked(noise, torch.tensor([phase]))
    top, left = phase
    assert torch.allclose(result[:, 0, top::2, left::2], noise[:, 0, top::2, left::2], atol=1e-6)
    assert torch.allclose(
        result[:, 2, 1 - top :: 2, 1 - left :: 2], noise[:, 2, 1 - top :: 2, 1 - left :: 2], atol=1e-6
    )
    between = (noise[0, 0, 2 + top, 2 + left] + noise[0, 0, 2 + top, 4 + left]) / 2
    assert torch.allclose(result[0, 0, 2 + top, 3 + left], between, atol=1e-6)
    assert torch.allclose(demosaicked(torch.ones(1, 3, 12, 12), torch.tensor([phase])), torch.ones(1, 3, 12, 12))


def test_some_patches_are_softened_and_keep_their_light() -> None:
    clean = torch.rand(64, 3, 40, 40, generator=torch.Generator().manual_seed(1))
    soft = softened(clean, torch.Generator().manual_seed(0))
    changed = (soft - clean).flatten(1).abs().amax(dim=1) > 0
    assert 10 < changed.sum() < 42
    assert (soft[changed].std(dim=(1, 2, 3)) < 0.8 * clean[changed].std(dim=(1, 2, 3))).all()
    assert torch.allclose(soft.mean(dim=(2, 3)), clean.mean(dim=(2, 3)), atol=0.02)
