"""What people would use instead, as denoisers that `bench` measures beside the catalogue's."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np

from denoise_cli.denoisers import catalogue
from denoise_cli.denoisers.card import Card
from denoise_cli.denoisers.classical import Filter
from denoise_cli.denoisers.denoiser import Denoiser
from denoise_cli.errors import UsageError
from denoise_cli.images.image import Pixels
from denoise_cli.measure.quality import as_8_bit

# OpenCV's `h` in standard deviations of the noise: the best on held-out photos (tests/proofs/opencv_strength.py).
OPENCV_STRENGTH = 0.6


def peers_of(models: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names that `load` knows, and those of them whose package is not installed.

    Filters of scikit-image, OpenCV and bm3d, and for each network among `models` the same weights by OpenVINO and by
    plain PyTorch.
    """
    engines = [f"{engine}:{model}" for model in networks(models) for engine in _ENGINES]
    names = ["nlm", "wavelet", "tv", *_FILTERS, *engines]
    missing = [name for name in names if _package(name) and not importlib.util.find_spec(_package(name))]
    return [name for name in names if name not in missing and name not in models], missing


def networks(models: Sequence[str]) -> list[str]:
    """Those among filters and peers that are networks of the catalogue or weights files. Raises what that raises."""
    return [model for model in models if not is_peer(model) and catalogue.card(model).family == "network"]


def is_peer(model: str) -> bool:
    """Whether a name is one of others' filters, or of another engine for our weights."""
    return model in _FILTERS or model.partition(":")[0] in _ENGINES


def load(model: str, **options: Any) -> Denoiser:
    """A peer by its name, such as `bm3d` or `openvino:photo`, or else what the catalogue has.

    `options` are those of `catalogue.load`. Raises UsageError where the peer's package is not installed, and what that
    raises.
    """
    package = _package(model)
    if package and not importlib.util.find_spec(package):
        raise UsageError(
            f"{model} takes the package {package}, which is not installed: pip install 'denoise-img[peers]'"
        )
    if model in _FILTERS:
        run, summary = _FILTERS[model]
        return Filter(Card(model, "classical", summary, "given"), 0, run)
    engine, _, network = model.partition(":")
    if engine not in _ENGINES or not network:
        return catalogue.load(model, **options)
    if not networks([network]):
        raise UsageError(f"{model} is no peer, as {network} is no network")
    from denoise_cli.measure import engines

    if engine == "openvino":
        return catalogue.load(network, **{**options, "device": "cpu", "engine": engines.openvino})
    return catalogue.load(network, **{**options, "precision": "fp32", "tile": "off", "engine": engines.eager})


def _package(model: str) -> str:
    """What has to be installed for it besides this package; nothing for most."""
    return {"opencv-nlm": "cv2", "bm3d": "bm3d", "openvino": "openvino"}.get(model.partition(":")[0], "")


def opencv_nlm(pixels: Pixels, size: float, sigma: float) -> Pixels:
    """OpenCV's non-local means (Buades et al. 2011), windows of 7 and 21 as it recommends; it takes 8 bits."""
    import cv2

    noisy, strength = as_8_bit(pixels), OPENCV_STRENGTH * sigma * 255
    if pixels.shape[2] == 3:
        clean = cv2.fastNlMeansDenoisingColored(noisy, None, strength, strength, 7, 21)
    else:
        channels = np.split(noisy, pixels.shape[2], axis=2)
        clean = np.stack([cv2.fastNlMeansDenoising(one, None, strength, 7, 21) for one in channels], axis=2)
    result: Pixels = clean.astype(np.float32) / np.float32(255)
    return result


def bm3d(pixels: Pixels, size: float, sigma: float) -> Pixels:
    """BM3D (Dabov et al. 2007) by its authors' package, colours as C-BM3D."""
    import bm3d as authors

    if pixels.shape[2] == 3:
        clean = authors.bm3d_rgb(pixels, sigma)
    else:
        clean = np.stack([authors.bm3d(pixels[:, :, c], sigma) for c in range(pixels.shape[2])], axis=2)
    return np.asarray(clean, np.float32)


_FILTERS = {
    "opencv-nlm": (opencv_nlm, "non-local means, OpenCV"),
    "bm3d": (bm3d, "BM3D, its authors' package, free for research only"),
}
_ENGINES = ("openvino", "eager")
