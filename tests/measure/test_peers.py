from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from denoise_cli.denoisers import catalogue
from denoise_cli.errors import UsageError
from denoise_cli.measure import peers
from denoise_cli.measure.quality import psnr
from denoise_cli.noise.synthetic import add_gaussian

EVERYTHING = ["nlm", "wavelet", "tv", "opencv-nlm", "bm3d", "openvino:dncnn", "eager:dncnn"]


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Packages that are not installed: those whose names a test puts in, all others are."""
    names: set[str] = set()
    monkeypatch.setattr(peers.importlib.util, "find_spec", lambda name: None if name in names else object())
    return names


def test_networks_have_engines_as_peers_and_filters_have_none(absent: set[str]) -> None:
    assert peers.peers_of(["dncnn", "median"]) == (EVERYTHING, [])
    assert peers.peers_of(["dncnn", "tv"]) == ([name for name in EVERYTHING if name != "tv"], [])


def test_what_is_not_installed_is_told(absent: set[str]) -> None:
    absent |= {"bm3d", "openvino"}
    found, missing = peers.peers_of(["dncnn"])
    assert missing == ["bm3d", "openvino:dncnn"]
    assert found == [name for name in EVERYTHING if name not in missing]
    for name in missing:
        with pytest.raises(UsageError, match=r"not installed: pip install 'denoise-img\[peers\]'"):
            peers.load(name)


def test_everything_else_is_the_catalogues(toy_weights: Path) -> None:
    assert peers.load("median").card == catalogue.card("median")
    assert peers.load(str(toy_weights)).card.name == "toy"
    with pytest.raises(UsageError, match="did you mean median"):
        peers.load("medain")
    with pytest.raises(UsageError, match="no model 'dncm'"):
        peers.load("eager:dncm")


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # of what OpenVINO reads networks with
@pytest.mark.parametrize("engine", ["eager", "openvino"])
@pytest.mark.parametrize("model", ["dncnn", "photo", "unet"])
def test_engines_compute_the_same_networks(engine: str, model: str, pixels: np.ndarray) -> None:
    if engine == "openvino":
        pytest.importorskip("openvino", reason="openvino is not installed")
    options = {"device": "cpu", "precision": "fp32"}
    expected, result = (peers.load(name, **options) for name in (model, f"{engine}:{model}"))
    for picture in (pixels, pixels[:, :, :1]):
        assert np.abs(result(picture) - expected(picture)).max() < 1e-3


@pytest.mark.parametrize(("name", "package"), [("opencv-nlm", "cv2"), ("bm3d", "bm3d")])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_filters_from_elsewhere_denoise(name: str, package: str, channels: int) -> None:
    pytest.importorskip(package, reason=f"{package} is not installed")
    clean = np.repeat(np.kron(np.eye(4, dtype=np.float32), np.full((12, 12), 0.8, np.float32))[:, :, None], channels, 2)
    noisy = add_gaussian(clean, 20, seed=0)
    result = peers.load(name)(noisy, sigma=20)
    assert result.shape == clean.shape
    assert psnr(result, clean) > psnr(noisy, clean) + 2
