"""What many tests share: a toy network that computes in no time, and a real noisy picture."""

from __future__ import annotations

import os
from pathlib import Path

# Of several workers (pytest -n) each takes its share of the cores, before torch asks; what they start heeds it as well.
if workers := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // int(workers))))

import numpy as np
import pytest
import torch

from denoise_cli.denoisers import weights
from denoise_cli.denoisers.card import Card
from denoise_cli.networks import build, macs_per_pixel, parameters
from denoise_cli.networks.blocks import Network, with_sigma

TOYS = {
    "cnn": {"filters": 8, "layers": 4},
    "cae": {"filters": 8},
    "dncnn": {"filters": 8, "layers": 5},
    "win5rb": {"filters": 8},
    "unet": {"widths": [8, 12], "blocks": 1, "estimates": True},
    "stabilised": {"levels": [10.0, 20.0, 15.0], "base": {"widths": [8, 12], "blocks": 1}},
    "profiled": {"levels": [10.0, 20.0, 15.0], "stride": 2, "base": {"widths": [8, 12], "blocks": 1}},
}


def toy_network(architecture: str, channels: int = 3, seed: int = 0) -> Network:
    """A small network with random weights and batch-norm statistics that are not the neutral ones."""
    torch.manual_seed(seed)
    network = build(architecture, {"channels": channels, **TOYS[architecture]})
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.2, 1.0)
            torch.nn.init.uniform_(module.bias, -0.1, 0.1)
            torch.nn.init.uniform_(module.running_mean, -0.1, 0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
        if isinstance(module, torch.nn.Conv2d) and not module.weight.any():  # or it would change nothing
            torch.nn.init.uniform_(module.weight, -0.1, 0.1)
    return network.eval()


def toy_input(network: Network, height: int, width: int, batch: int = 1, channels: int = 3) -> torch.Tensor:
    """What a network is given: random pictures, with the noise level where it takes one."""
    x = torch.rand(batch, channels, height, width)
    return with_sigma(x, 0.1) if network.takes_sigma else x


def toy_card(architecture: str, channels: int = 3) -> Card:
    network = toy_network(architecture, channels)
    return Card(
        name="toy",
        family="network",
        summary="a toy",
        level="given" if network.takes_sigma else "blind",
        channels=channels,
        radius=network.radius,
        multiple=network.multiple,
        architecture=architecture,
        arguments={"channels": channels, **TOYS[architecture]},
        parameters=parameters(network),
        macs_per_pixel=macs_per_pixel(network, channels),
    )


@pytest.fixture(scope="session")
def toy_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file of a small colour DnCNN."""
    path = tmp_path_factory.mktemp("weights") / "toy.safetensors"
    weights.write(path, toy_card("dncnn"), toy_network("dncnn").state_dict())
    return path


@pytest.fixture
def noisy_jpeg() -> Path:
    return Path(__file__).parent / "data" / "noisy.jpg"


@pytest.fixture
def pixels() -> np.ndarray:
    """Random colour pixels of an odd size."""
    return np.random.default_rng(0).random((37, 53, 3), np.float32)
