"""Which noise level is told of a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from denoise_cli.batch.picture import Settings, denoise_file, denoise_image
from denoise_cli.batch.plan import Job
from denoise_cli.denoisers import classical
from denoise_cli.denoisers.by_colour import ByColour
from denoise_cli.denoisers.network import NetworkDenoiser
from denoise_cli.images.image import Image, PixelFormat
from tests.conftest import toy_card, toy_network


def test_it_is_the_mean_over_pages_before_strength(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    pages = [random.normal(128, sigma, (90, 90)).astype(np.uint8) for sigma in (5, 15)]
    tifffile.imwrite(tmp_path / "in.tif", np.stack(pages), photometric="minisblack")
    job, nlm = Job(tmp_path / "in.tif", tmp_path / "out.tif"), classical.build("nlm")
    found = denoise_file(job, Settings(nlm, strength=0.5)).sigma
    assert found == pytest.approx(np.mean([nlm.estimate(page[:, :, None] / np.float32(255)) for page in pages]))
    assert found == pytest.approx(10, rel=0.1)
    assert denoise_file(job, Settings(nlm, sigma=3)).sigma == 3
    assert denoise_file(job, Settings(nlm, sigma=0)).sigma == 0
    assert denoise_file(job, Settings(nlm, strength=0)).sigma is None  # as nothing is looked for
    assert denoise_file(job, Settings(classical.build("mean"))).sigma is None


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_networks_tell_that_of_each_picture_that_they_see(channels: int) -> None:
    toy = toy_card("unet"), toy_network("unet")
    unet = NetworkDenoiser(*toy, device="cpu", precision="fp32", tile="auto")
    pixels = np.random.default_rng(0).normal(0.5, 0.1, (48, 48, channels)).astype(np.float32)
    seen = [pixels] if channels == 3 else np.split(pixels, channels, axis=2)
    image = Image(pixels, PixelFormat("channels", np.dtype(np.float32), 32, 1.0))
    for sigma, expected in ((None, [unet.estimate(part) for part in seen]), (20.0, [20.0] * len(seen))):
        levels: list[float] = []
        denoise_image(image, Settings(ByColour(unet, unet), sigma=sigma), found=levels.append)
        assert levels == pytest.approx(expected)


def test_blind_networks_tell_none() -> None:
    levels: list[float] = []
    blind = NetworkDenoiser(toy_card("dncnn"), toy_network("dncnn"), device="cpu", precision="fp32", tile="auto")
    image = Image(np.full((9, 9, 3), 0.5, np.float32), PixelFormat("rgb", np.dtype(np.float32), 32, 1.0))
    denoise_image(image, Settings(blind), found=levels.append)
    assert not levels
