from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from threading import Lock
from time import sleep

import numpy as np
import pytest
import torch

from denoise_cli.denoisers import weights
from denoise_cli.denoisers.catalogue import load
from denoise_cli.denoisers.denoiser import Request
from denoise_cli.denoisers.network import NetworkDenoiser, load_network
from denoise_cli.errors import PictureError, UsageError, WeightsError
from denoise_cli.images.image import Canvas, PixelFormat, Stored, stored
from denoise_cli.images.overlay import Overlay
from denoise_cli.networks import ARCHITECTURES
from denoise_cli.noise.estimate import estimate_sigma
from denoise_cli.noise.synthetic import add_gaussian
from tests.conftest import toy_card, toy_network


def denoiser(architecture: str, channels: int = 3, tile: str | int = "auto") -> NetworkDenoiser:
    network = toy_network(architecture, channels)
    return NetworkDenoiser(toy_card(architecture, channels), network, device="cpu", precision="fp32", tile=tile)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("size", [(1, 1), (7, 3), (31, 33), (65, 64)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size_and_channels_in_tiles_as_in_one(architecture: str, size: tuple[int, int], channels: int) -> None:
    pixels = np.random.default_rng(0).random((*size, channels), np.float32)
    whole = denoiser(architecture, tile="off")(pixels)
    assert whole.shape == pixels.shape
    assert np.abs(denoiser(architecture, tile=32)(pixels) - whole).max() < 1e-5


def test_a_gray_network_takes_colour_channel_by_channel(pixels: np.ndarray) -> None:
    gray = denoiser("dncnn", channels=1)
    result = gray(pixels)
    for channel in range(3):
        one = pixels[:, :, channel : channel + 1]
        assert np.array_equal(result[:, :, channel : channel + 1], gray(one))


@pytest.mark.parametrize("channels", [2, 4, 7])
def test_pictures_of_other_numbers_of_channels(channels: int) -> None:
    pixels = np.random.default_rng(0).random((9, 8, channels), np.float32)
    seen: list[int] = []
    result = denoiser("dncnn")(pixels, progress=lambda done, total: seen.append(done))
    assert result.shape == pixels.shape
    assert seen[-1] == 9 * 8


def test_blind_networks_take_no_sigma(pixels: np.ndarray) -> None:
    with pytest.raises(UsageError, match="judges the noise level itself"):
        denoiser("dncnn")(pixels, sigma=25)


def test_the_level_steers_a_network_that_takes_one(pixels: np.ndarray) -> None:
    unet = denoiser("unet")
    weak, strong = (np.abs(unet(pixels, sigma=sigma) - pixels).mean() for sigma in (5, 50))
    assert weak < strong
    assert np.array_equal(unet(pixels, sigma=0), pixels)


def test_strength_scales_the_level(pixels: np.ndarray) -> None:
    unet = denoiser("unet")
    assert np.array_equal(unet(pixels, sigma=40, strength=0.25), unet(pixels, sigma=10))
    assert np.array_equal(unet(pixels, strength=0.5), unet(pixels, sigma=unet.estimate(pixels) / 2))
    assert np.array_equal(unet(pixels, strength=0), pixels)


def test_strength_blends_what_a_blind_network_gives(pixels: np.ndarray) -> None:
    dncnn = denoiser("dncnn")
    assert np.allclose(dncnn(pixels, strength=0.5), (dncnn(pixels) + pixels) / 2, atol=1e-6)


def test_without_a_level_the_networks_own_estimate_is_taken(pixels: np.ndarray) -> None:
    unet = denoiser("unet")
    assert unet.estimate(pixels) > 0
    assert np.array_equal(unet(pixels), unet(pixels, sigma=unet.estimate(pixels)))
    assert np.array_equal(unet(pixels[:, :, :1]), unet(pixels[:, :, :1], sigma=unet.estimate(pixels[:, :, :1])))


def test_without_an_estimator_of_its_own_the_level_is_that_of_the_wavelets(pixels: np.ndarray) -> None:
    network = toy_network("unet")
    network.level = None
    unet = NetworkDenoiser(toy_card("unet"), network, device="cpu", precision="fp32", tile="auto")
    assert unet.estimate(pixels) == estimate_sigma(pixels)


def test_white_noise_that_follows_the_light_is_told_by_brightness() -> None:
    light = np.broadcast_to(np.linspace(0.1, 0.9, 160, dtype=np.float32)[None, :, None], (160, 160, 3))
    noisy = (np.random.default_rng(0).poisson(light * 50) / 50).astype(np.float32)
    unet = denoiser("unet", tile="off")
    assert unet.estimate(noisy) == pytest.approx(255 * np.sqrt(0.5 / 50), rel=0.1)
    result = unet(noisy)
    removed = np.abs(result - noisy).mean(axis=(0, 2))
    constant = np.abs(unet(noisy, sigma=unet.estimate(noisy)) - noisy).mean(axis=(0, 2))
    assert removed[:20].mean() < constant[:20].mean()
    assert removed[-20:].mean() > constant[-20:].mean()
    assert np.abs(denoiser("unet", tile=32)(noisy) - result).max() < 1e-5
    assert np.abs(unet(noisy, strength=0.5) - noisy).mean() < removed.mean()


@pytest.mark.parametrize("at_once", [1, 3])
def test_when_memory_runs_out_smaller_tiles_are_tried(
    pixels: np.ndarray, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = np.tile(pixels, (4, 3, 1))
    expected = denoiser("dncnn", tile="off")(large)
    tight = denoiser("dncnn", tile=128)
    tight._lanes.count = at_once
    run, refused = tight._run, []

    def short_of_memory(part: np.ndarray, sigma: float | None) -> np.ndarray:
        if part.size > 60 * 60 * 3:
            refused.append(part.shape)
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return run(part, sigma)

    monkeypatch.setattr(tight, "_run", short_of_memory)
    assert np.abs(tight(large) - expected).max() < 1e-5
    assert len(refused) >= 1


def test_when_memory_runs_out_tiles_are_first_tried_one_by_one(
    pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    tight = denoiser("dncnn", tile=64)
    tight._lanes.count = 3
    run, under_way, sizes, lock = tight._run, 0, set(), Lock()

    def short_of_memory(part: np.ndarray, sigma: float | None) -> np.ndarray:
        nonlocal under_way
        with lock:
            under_way += 1
            sizes.add(part.shape)
            alone = under_way == 1
        try:
            sleep(0.01)
            if not alone:
                raise RuntimeError("CUDA out of memory")
            return run(part, sigma)
        finally:
            with lock:
                under_way -= 1

    monkeypatch.setattr(tight, "_run", short_of_memory)
    large = np.tile(pixels, (4, 3, 1))
    assert np.abs(tight(large) - denoiser("dncnn", tile=64)(large)).max() < 1e-5
    assert len(sizes) == 1


def test_a_denoiser_can_be_sent_to_another_process(pixels: np.ndarray) -> None:
    there = pickle.loads(pickle.dumps(denoiser("dncnn")))
    assert np.array_equal(there(pixels), denoiser("dncnn")(pixels))


@pytest.mark.parametrize("at_once", [1, 3])
@pytest.mark.parametrize("architecture", ["dncnn", "unet"])
def test_results_take_the_place_of_the_samples_that_no_tile_needs(architecture: str, at_once: int) -> None:
    form = PixelFormat.integer("rgb", 8)
    samples = np.random.default_rng(0).integers(0, 256, (150, 130, 3), np.uint8)
    beside, tiled = Canvas.of(samples.shape, form), denoiser(architecture, tile=48)
    tiled.into(beside, stored(samples, form), Request(sigma=20.0 if architecture == "unet" else None))
    over = Overlay.over(stored(samples.copy(), form))
    tiled._lanes.count = at_once  # as on a GPU
    tiled.into(over, Stored(over.samples, form), Request(sigma=20.0 if architecture == "unet" else None))
    assert over.begun
    over.settle()
    np.testing.assert_array_equal(over.samples, beside.samples)


def test_no_second_try_once_samples_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    form = PixelFormat.integer("rgb", 8)
    over = Overlay.over(stored(np.zeros((400, 60, 3), np.uint8), form))
    tight = denoiser("dncnn", tile=64)
    run, calls = tight._run, []

    def short_of_memory(part: np.ndarray, sigma: float | None) -> np.ndarray:
        calls.append(part.shape)
        if len(calls) > 6:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return run(part, sigma)

    monkeypatch.setattr(tight, "_run", short_of_memory)
    with pytest.raises(MemoryError):
        tight.into(over, Stored(over.samples, form), Request())
    assert len(calls) == 7


def test_other_errors_are_not_mistaken_for_it(pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = denoiser("dncnn")
    monkeypatch.setattr(broken, "_run", lambda part, sigma: (_ for _ in ()).throw(RuntimeError("something else")))
    with pytest.raises(RuntimeError, match="something else"):
        broken(pixels)


def test_a_result_that_is_not_finite_is_redone_in_full_precision(
    pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    low = NetworkDenoiser(toy_card("dncnn"), toy_network("dncnn"), device="cpu", precision="bf16", tile="off")
    monkeypatch.setattr(low, "_compute", lambda x: torch.full_like(x, float("nan")))
    assert np.abs(low(pixels) - denoiser("dncnn", tile="off")(pixels)).max() < 1e-5


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_loading_what_was_saved(architecture: str, tmp_path: Path, pixels: np.ndarray) -> None:
    path = tmp_path / "toy.safetensors"
    weights.write(path, toy_card(architecture), toy_network(architecture).state_dict())
    seeded = torch.get_rng_state()
    loaded = load_network(path, device="cpu", precision="fp32")
    assert torch.equal(torch.get_rng_state(), seeded)
    assert np.abs(loaded(pixels) - denoiser(architecture)(pixels)).max() < 1e-3


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"architecture": "resnet"}, "unknown architecture 'resnet'"),
        ({"arguments": {"colours": 3}}, "colours"),
        ({"arguments": {"channels": "many"}}, "describes no network"),
        ({"arguments": {"channels": 3, "filters": 8, "layers": 6}}, "lacks the tensor"),
        ({"arguments": {"channels": 3, "filters": 8, "layers": 4}}, "lacks the tensor|does not know"),
        ({"radius": 1}, "radius"),
        ({"channels": 0}, "channels"),
        ({"arguments": {"channels": 3, "filters": 8, "layers": 10**9}}, "layers of 1000000000"),
    ],
)
def test_cards_that_do_not_fit_their_tensors_are_refused(
    tmp_path: Path, change: dict[str, object], complaint: str
) -> None:
    path = tmp_path / "x.safetensors"
    weights.write(path, replace(toy_card("dncnn"), **change), toy_network("dncnn").state_dict())
    with pytest.raises(WeightsError, match=complaint):
        load_network(path)


def test_what_a_network_cannot_compute_is_told(pixels: np.ndarray) -> None:
    network = toy_network("dncnn")
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(1e38)
    wild = NetworkDenoiser(toy_card("dncnn"), network, device="cpu", precision="fp32", tile="auto")
    with pytest.raises(PictureError, match="too large for the network"):
        wild(pixels)


@pytest.mark.parametrize("model", ["photo", "dncnn", "cae"])
@pytest.mark.parametrize("value", [10.0, 1e20])
def test_one_sample_far_beyond_white_harms_nothing_around_it(model: str, value: float) -> None:
    noisy = add_gaussian(np.full((96, 96, 3), 0.4, np.float32), 15, seed=0)
    struck = noisy.copy()
    struck[48, 48] = value
    denoise = load(model, device="cpu", precision="fp32")
    before, after = (denoise(picture, sigma=15 if model == "photo" else None) for picture in (noisy, struck))
    far = np.hypot(*np.ogrid[-48:48, -48:48]) > 7
    assert np.abs(after - before)[far].max() < 8 / 255
    assert after[48, 48] == pytest.approx(value, rel=0.2)


def test_a_picture_that_goes_far_beyond_white_in_many_places_is_denoised_there() -> None:
    bright = np.full((96, 96, 3), 0.4, np.float32)
    bright[:, 48:] = 5
    noisy = add_gaussian(bright, 15, seed=0)
    clean = load("photo", device="cpu", precision="fp32")(noisy, sigma=15)
    assert (clean - bright)[:, 60:].std() < (noisy - bright)[:, 60:].std() / 4


@pytest.mark.parametrize("model", ["cae", "cnn", "dncnn", "photo"])
def test_networks_do_not_hide_what_is_no_number(model: str, pixels: np.ndarray) -> None:
    pixels[3, 4] = np.nan
    with pytest.raises(PictureError, match="no numbers"):
        load(model, device="cpu", precision="fp32")(pixels)


@pytest.mark.parametrize("model", ["cae", "cnn", "dncnn", "photo"])
def test_half_precision_inside_gives_more_than_eight_bits(model: str) -> None:
    ramp = np.broadcast_to(np.linspace(0.5, 1, 256, dtype=np.float32)[None, :, None], (32, 256, 3)).copy()
    result = load(model, device="cpu", precision="bf16")(ramp)
    assert len(np.unique(result[16, :, 0])) > 200


def test_of_a_dim_picture_the_level_is_that_of_its_own_brightness() -> None:
    light = np.broadcast_to(np.linspace(0.1, 0.9, 160, dtype=np.float32)[None, :, None], (160, 160, 3)) / 16
    noisy = (np.random.default_rng(0).poisson(light * 4000) / 4000).astype(np.float32)
    true = 255 * np.sqrt(light.mean() / 4000)
    assert load("photo", device="cpu").estimate(noisy) == pytest.approx(true, rel=0.15)


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_a_strength_that_makes_no_sense_is_refused(strength: float, pixels: np.ndarray) -> None:
    with pytest.raises(UsageError, match="from 0 to 1"):
        denoiser("dncnn")(pixels, strength=strength)
