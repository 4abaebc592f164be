from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import shift

from denoise_cli.fitting.loop import train
from denoise_cli.fitting.noise2noise import Neighbor2Neighbor, Noise2Noise, distance, pick, sampled, true_psnr
from denoise_cli.fitting.recipe import Recipe
from denoise_cli.fitting.scenes import Scenes
from denoise_cli.networks import build
from denoise_cli.networks.blocks import Network
from tests.conftest import toy_network

CPU = torch.device("cpu")
SIGMA = 0.1
SMALL = Recipe("dncnn", {"channels": 3, "filters": 8, "layers": 4}, steps=200, batch=4, patch=32, learning_rate=3e-3,
               warmup=5, ema=0.9)  # fmt: skip


def clean(scene: int) -> np.ndarray:
    coarse = np.random.default_rng(scene).integers(60, 200, (6, 6, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((96, 96), Image.Resampling.BICUBIC)).astype(np.float32) / 255


def shots(scene: int, count: int) -> list[np.ndarray]:
    random = np.random.default_rng(1000 + scene)
    return [(clean(scene) + random.normal(0, SIGMA, (96, 96, 3))).astype(np.float32) for _ in range(count)]


def scenes(numbers: range, count: int) -> Scenes:
    """As Noise2Noise takes them with three shots, as Neighbor2Neighbor does with one."""
    frames = []
    for number in numbers:
        level = np.full((96, 96, 3), SIGMA, np.float32)
        noisy, *others = shots(number, count)
        frames.append([noisy, level, *(others or [level])])
    return Scenes(frames, expected=len(frames), device=CPU, seed=0, smallest=32)


def real_psnr(network: torch.nn.Module) -> float:
    """On a scene that was in no training."""
    noisy = torch.from_numpy(shots(9, 1)[0].transpose(2, 0, 1).copy())[None]
    with torch.inference_mode():
        error = network(noisy)[0].permute(1, 2, 0).numpy() - clean(9)
    return -10 * math.log10(np.square(error).mean())


def test_noise_is_unlearnt_from_other_noise() -> None:
    objective = Noise2Noise(scenes(range(4), 3), scenes(range(4, 6), 3), 4, 32, CPU)
    torch.manual_seed(0)
    network = train(build("dncnn", SMALL.arguments), SMALL, objective, device=CPU)
    assert real_psnr(network) > 20 + 3
    assert objective.psnr(network) == pytest.approx(real_psnr(network), abs=1.5)


def test_noise_is_unlearnt_from_single_shots() -> None:
    objective = Neighbor2Neighbor(scenes(range(4), 1), scenes(range(4, 6), 1), 4, 32, CPU)
    torch.manual_seed(0)
    start = build("dncnn", SMALL.arguments)
    before = objective.psnr(start.eval())
    network = train(start, SMALL, objective, device=CPU)
    assert real_psnr(network) > 20 + 2
    assert objective.psnr(network) > before + 1


@pytest.mark.parametrize("objective", [Noise2Noise, Neighbor2Neighbor])
def test_networks_that_are_told_the_level_judge_it_themselves(
    objective: type[Noise2Noise | Neighbor2Neighbor],
) -> None:
    source = scenes(range(2), 3 if objective is Noise2Noise else 1)
    loss = objective(source, source, 2, 64, CPU).loss(toy_network("unet"), torch.Generator().manual_seed(0))
    assert loss.isfinite()
    assert loss.requires_grad


def test_unknown_targets_do_not_count() -> None:
    result, target = torch.zeros(1, 1, 2, 2), torch.tensor([[[[1.0, 3.0], [torch.nan, torch.nan]]]])
    assert distance(result, target, squared=False) == 2
    assert distance(result, target, squared=True) == 5


def test_witnesses_tell_the_true_psnr_of_any_result() -> None:
    truth = torch.rand(8, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    noisy, one, other = (truth + SIGMA * torch.randn(truth.shape) for _ in range(3))
    one[:, :, :5] = torch.nan
    result = truth + 0.05
    assert true_psnr(result, noisy, one, other) == pytest.approx(-20 * math.log10(0.05), abs=0.3)
    assert true_psnr(result, noisy, one, one) == pytest.approx(-20 * math.log10(0.05), abs=0.5)
    assert true_psnr(noisy, noisy, one, other) == pytest.approx(20, abs=0.1)


def noise(truth: torch.Tensor, seed: int) -> torch.Tensor:
    return SIGMA * torch.randn(truth.shape, generator=torch.Generator().manual_seed(seed))


def smooth() -> torch.Tensor:
    """`[4, 3, 96, 96]`, all of it far from black and white."""
    return torch.from_numpy(np.stack([clean(number).transpose(2, 0, 1) for number in range(4)]))


def test_an_interpolated_witness_is_known_to_be_less_noisy() -> None:
    truth = smooth()
    noisy, witness = (truth + noise(truth, seed) for seed in (1, 2))
    moved = torch.from_numpy(shift(witness.numpy(), (0, 0, 0.5, 0.5), order=3, mode="mirror"))
    for error in (0.03, 0.06):
        told = true_psnr(truth + error, noisy, moved, moved)
        assert told == pytest.approx(-20 * math.log10(error), abs=1)
    assert true_psnr(noisy, noisy, moved, moved) == pytest.approx(20, abs=0.3)


def test_each_patch_has_its_own_count_of_witnesses() -> None:
    truth = smooth()
    noisy, one, other = (truth + noise(truth, seed) for seed in (1, 2, 3))
    other[:2] = one[:2]
    assert true_psnr(noisy, noisy, one, other) == pytest.approx(20, abs=0.3)
    assert true_psnr(truth + 0.05, noisy, one, other) == pytest.approx(-20 * math.log10(0.05), abs=0.5)


def test_results_that_noise_makes_look_perfect_do_not_tie() -> None:
    truth = smooth()
    one, other = truth + noise(truth, 1), truth - 0.5 * noise(truth, 1)  # by chance on opposite sides
    better, worse = (true_psnr(truth + error, truth, one, other) for error in (0.0, 0.02))
    assert 50 < worse + 0.001 < better < math.inf


def test_clipped_places_are_not_judged_by_unless_there_are_no_others() -> None:
    lit = torch.zeros(2, 3, 64, 64)
    lit[..., 32:] = 0.5
    noisy, one, other = ((lit + noise(lit, seed)).clamp(0, 1) for seed in (1, 2, 3))
    washed_out = lit.clamp(min=0.04)  # as the mean of clipped noise is
    assert true_psnr(lit, noisy, one, other) == pytest.approx(true_psnr(washed_out, noisy, one, other), abs=0.1)
    dark = [x[..., :24] for x in (washed_out, noisy, one, other)]
    assert true_psnr(*dark) > true_psnr(dark[0] + 0.1, *dark[1:]) + 10


class Constant(Network):
    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.full_like(x, self.value)


@pytest.mark.parametrize("squared", [False, True])
def test_absolute_differences_are_least_at_the_truth_under_clipped_noise(squared: bool) -> None:
    dark = torch.full((3, 64, 64), 0.01)
    frames = [(dark + noise(dark, seed)).clamp(0, 1).permute(1, 2, 0).numpy() for seed in range(3)]
    source = Scenes([[frames[0], *frames]], expected=1, device=CPU, seed=0, smallest=64)
    objective = Noise2Noise(source, source, 2, 64, CPU, squared=squared)
    truth, washed_out = (
        float(objective.loss(Constant(value), torch.Generator().manual_seed(0))) for value in (0.01, 0.045)
    )
    assert (washed_out < truth) == squared


@pytest.mark.parametrize("stride", [1, 2])
def test_sub_sampled_pixels_are_neighbours(stride: int) -> None:
    rows, columns = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    places = torch.stack([rows, columns])[None].expand(3, -1, -1, -1)
    first, second = pick(3, 8 // stride, torch.Generator().manual_seed(0))
    one, other = sampled(places, first, stride), sampled(places, second, stride)
    assert one.shape == (3 * stride**2, 2, 8 // stride, 8 // stride)
    assert ((one - other).abs().sum(dim=1) == stride).all()
    assert len({tuple(place) for place in one[: stride**2].permute(0, 2, 3, 1).reshape(-1, 2).tolist()}) == 64


def test_struck_pixels_do_not_judge_single_shots() -> None:
    """By them, what is between black and white would be better than the truth."""
    truth = np.full((96, 96, 3), 0.2, np.float32)
    random = np.random.default_rng(0)
    struck = np.where(random.random(truth.shape) < 0.2, random.integers(0, 2, truth.shape), truth).astype(np.float32)
    level = np.zeros_like(truth)
    source = Scenes([[struck, level, level]], expected=1, device=CPU, seed=0, smallest=32)
    objective = Neighbor2Neighbor(source, source, 4, 32, CPU, squared=False, impulses=True)
    best, washed_out = (objective.psnr(Constant(value)) for value in (0.2, 0.26))
    assert best > washed_out + 10
