"""A network as a Denoiser: pixels in, pixels out; tiles, precision and device are its own business."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from denoise_cli.denoisers.card import Card
from denoise_cli.denoisers.denoiser import Progress, blended, check_sigma
from denoise_cli.denoisers.judged import judged_levels
from denoise_cli.denoisers.weights import read_card, read_tensors
from denoise_cli.errors import WeightsError
from denoise_cli.images.image import Pixels
from denoise_cli.networks import build
from denoise_cli.networks.blocks import Network, with_sigma
from denoise_cli.networks.curve import AROUND, level_map
from denoise_cli.runtime import tiles
from denoise_cli.runtime.device import choose_device, out_of_memory, tile_size
from denoise_cli.runtime.fused import fused
from denoise_cli.runtime.precision import choose_dtype, exact_float32

SMALLEST_TILE = 32


class NetworkDenoiser:
    """A trained network on a device, in a precision, in tiles of a size.

    A colour network takes gray pictures as three equal channels and gives their mean back; a gray network takes
    the channels of a colour picture one by one, and so does every network with pictures of two, four or more channels.
    """

    def __init__(self, card: Card, network: Network, *, device: str, precision: str, tile: str | int) -> None:
        self.card = card
        self._device = choose_device(device)
        self._dtype = choose_dtype(precision, self._device)
        self._exact = network.eval()
        self._network = fused(network, self._device, self._dtype)
        self._tile = tile_size(tile, self._device, self._dtype, card.radius or 0)

    def __call__(
        self, pixels: Pixels, *, sigma: float | None = None, strength: float = 1.0, progress: Progress | None = None
    ) -> Pixels:
        check_sigma(self.card, sigma)
        channels = pixels.shape[2]
        if channels not in (1, self.card.channels):
            return self._one_by_one(pixels, sigma, strength, progress)
        level = None
        if self.card.level == "given":
            levels = judged_levels(self._exact, pixels, self.card.channels) if sigma is None else (sigma,)
            level = tuple(strength * sigma for sigma in levels)
            if not any(level):
                return np.array(pixels)
        if channels == self.card.channels:
            clean = self._tiled(pixels, level, progress)
        else:
            colour = np.repeat(pixels, self.card.channels, axis=2)
            clean = self._tiled(colour, level, progress).mean(axis=2, keepdims=True)
        return clean if level is not None else blended(clean, pixels, strength)

    def estimate(self, pixels: Pixels) -> float:
        """Where noise depends on brightness, what it is where the picture is neither dark nor bright."""
        levels = judged_levels(self._exact, pixels, self.card.channels)
        return levels[len(levels) // 2]

    def _one_by_one(self, pixels: Pixels, sigma: float | None, strength: float, progress: Progress | None) -> Pixels:
        channels = pixels.shape[2]
        clean = []
        for number in range(channels):
            channel, part = pixels[:, :, number : number + 1], _part_of(progress, number, channels)
            clean.append(self(channel, sigma=sigma, strength=strength, progress=part))
        return np.concatenate(clean, axis=2)

    def _tiled(self, pixels: Pixels, level: tuple[float, ...] | None, progress: Progress | None) -> Pixels:
        height, width = pixels.shape[:2]
        margin = (self.card.radius or 0) + (AROUND // 2 if level is not None and len(level) > 1 else 0)
        tile = self._tile if self.card.radius is not None else None  # what sees everything cannot be tiled
        while True:
            plan = tiles.plan(
                height,
                width,
                tile=None if tile is None else (tile, tile),
                margin=margin,
                multiple=self.card.multiple,
            )
            try:
                return tiles.apply(lambda part: self._run(part, level), pixels, plan, progress)
            except (RuntimeError, MemoryError) as error:
                smaller = (max(height, width) if tile is None else tile) // 2
                if not out_of_memory(error):
                    raise
                if self.card.radius is None or smaller < SMALLEST_TILE:
                    raise MemoryError from error
                tile = smaller

    @torch.inference_mode()
    def _run(self, part: Pixels, level: tuple[float, ...] | None) -> Pixels:
        x = torch.from_numpy(np.ascontiguousarray(part.transpose(2, 0, 1)))[None]
        if level is not None:
            x = with_sigma(x, level_map(x, level))
        with exact_float32():
            result: torch.Tensor = self._network(x.to(self._device)).float().cpu()
        if self._dtype != torch.float32 and not torch.isfinite(result).all():
            result = self._exact(x)
        clean: Pixels = result[0].permute(1, 2, 0).numpy()
        return clean


def load_network(
    path: Path, *, device: str = "auto", precision: str = "auto", tile: str | int = "auto"
) -> NetworkDenoiser:
    """The network of a weights file.

    Raises WeightsError, and UsageError for a device or precision that there is not.
    """
    card = read_card(path)
    try:
        with torch.device("meta"):
            network = build(card.architecture, card.arguments)
    except (ValueError, TypeError, RuntimeError) as error:
        raise WeightsError(f"{path} has a card that describes no network: {error}") from error
    tensors = read_tensors(path, card)
    expected = {name: tensor.shape for name, tensor in network.state_dict().items()}
    for name, shape in expected.items():
        if name not in tensors or tensors[name].shape != shape:
            raise WeightsError(f"{path} lacks the tensor {name!r} of {tuple(shape)} that {card.architecture} needs")
    if unknown := tensors.keys() - expected.keys():
        raise WeightsError(f"{path} has a tensor {min(unknown)!r} that {card.architecture} does not know")
    network.load_state_dict(tensors, assign=True)
    facts = {"radius": network.radius, "multiple": network.multiple, "channels": card.arguments.get("channels", 3)}
    for fact, value in facts.items():
        if getattr(card, fact) != value:
            raise WeightsError(f"{path} has a card whose {fact} is not that of its network, {value}")
    return NetworkDenoiser(card, network, device=device, precision=precision, tile=tile)


def _part_of(progress: Progress | None, number: int, parts: int) -> Progress | None:
    if progress is None:
        return None
    return lambda done, total: progress((number * total + done) // parts, total)
