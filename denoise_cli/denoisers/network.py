"""A network as a Denoiser: pixels in, pixels out; tiles, precision and device are its own business."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from denoise_cli.denoisers.card import Card
from denoise_cli.denoisers.denoiser import Denoiser, Progress, Request, blended, check_sigma, copy_into
from denoise_cli.denoisers.judged import judged_levels
from denoise_cli.denoisers.outliers import usual_range, within
from denoise_cli.denoisers.weights import read_card, read_tensors
from denoise_cli.errors import NO_NUMBERS, PictureError, WeightsError
from denoise_cli.images.image import Canvas, Pixels, Stored
from denoise_cli.images.overlay import Overlay
from denoise_cli.networks import build
from denoise_cli.networks.blocks import Network, with_sigma
from denoise_cli.networks.curve import AROUND, level_map
from denoise_cli.noise.estimate import sample_patches
from denoise_cli.runtime import tiles
from denoise_cli.runtime.device import choose_device, out_of_memory, tile_size
from denoise_cli.runtime.fused import fused
from denoise_cli.runtime.lanes import Lanes
from denoise_cli.runtime.precision import choose_dtype, exact_float32

# What computes a network on a device and in a precision: from a batch of pictures to the same without noise.
Engine = Callable[[Network, torch.device, torch.dtype], Callable[[torch.Tensor], torch.Tensor]]


class NetworkDenoiser(Denoiser):
    """A trained network on a device, in a precision, in tiles of a size.

    A colour network takes gray pictures as three equal channels and gives their mean back; a gray network takes
    the channels of a colour picture one by one, and so does every network with pictures of two, four or more channels.
    """

    def __init__(
        self, card: Card, network: Network, *, device: str, precision: str, tile: str | int, engine: Engine = fused
    ) -> None:
        self.card = card
        self._device = choose_device(device)
        self._dtype = choose_dtype(precision, self._device)
        self._exact = network.eval()
        self._compute = engine(network, self._device, self._dtype)
        self._lanes = Lanes(self._device)
        self._tile = tile_size(tile, self._device, self._dtype, card.radius or 0)

    def into(self, result: Pixels | Canvas, pixels: Pixels | Stored, request: Request) -> None:
        check_sigma(self.card, request.sigma)
        channels = pixels.shape[2]
        if channels not in (1, self.card.channels):
            return self._one_by_one(result, pixels, request)
        level = None
        if self.card.level == "given":
            told = request.sigma
            levels = judged_levels(self._exact, pixels, self.card.channels) if told is None else (told,)
            if request.found is not None:
                request.found(_one_of(levels, pixels))
            level = tuple(request.strength * sigma for sigma in levels)
            if not any(level):
                return copy_into(result, pixels)

        limits = usual_range(pixels)

        def run(part: Pixels) -> Pixels:
            seen = part if limits is None else within(part, *limits)
            if channels == self.card.channels:
                clean = self._run(seen, level)
            else:
                clean = self._run(np.repeat(seen, self.card.channels, axis=2), level).mean(axis=2, keepdims=True)
            if level is None:
                clean = blended(clean, seen, request.strength)
            return clean if seen is part else clean + (part - seen)

        around = AROUND // 2 if level is not None and len(level) > 1 else 0
        self._tiled(run, result, pixels, around, request.progress)

    def level_of(self, pixels: Pixels | Stored) -> float:
        """Where noise depends on brightness, what it is at the picture's mean."""
        return _one_of(judged_levels(self._exact, pixels, self.card.channels), pixels)

    def _one_by_one(self, result: Pixels | Canvas, pixels: Pixels | Stored, request: Request) -> None:
        channels = pixels.shape[2]
        for number in range(channels):
            channel = (slice(None), slice(None), slice(number, number + 1))
            noisy = pixels[channel]
            clean: Pixels = np.empty(noisy.shape, np.float32)
            self.into(clean, noisy, replace(request, progress=_part_of(request.progress, number, channels)))
            result[channel] = clean

    def _tiled(
        self,
        run: Callable[[Pixels], Pixels],
        result: Pixels | Canvas,
        pixels: Pixels | Stored,
        around: int,
        progress: Progress | None,
    ) -> None:
        """`around`: how far the level depends on what is beside a pixel, besides the network's own reach."""
        height, width = pixels.shape[:2]
        tile, largest, at_once = self._tile, max(height, width), self._lanes.count

        def plan_of(tile: int | None) -> list[tiles.Tile]:
            margin, square = self._exact.radius + around, None if tile is None else (tile, tile)
            return list(tiles.plan(height, width, tile=square, margin=margin, multiple=self._exact.multiple))

        plan = plan_of(tile)
        while True:
            try:
                return tiles.apply(run, pixels, plan, result, progress, at_once=at_once)
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
                if isinstance(result, Overlay) and result.begun:  # too late to begin once more
                    raise MemoryError from error
                if at_once > 1:
                    at_once = 1
                    continue
                before, tile = plan[0], min(tile or largest, largest) // 2
                plan = plan_of(tile)
                if plan[0] == before:  # there are none smaller
                    raise MemoryError from error

    @torch.inference_mode()
    def _run(self, part: Pixels, level: tuple[float, ...] | None) -> Pixels:
        with self._lanes.one():
            x = self._lanes.sent(part)
            if not torch.isfinite(x).all():
                raise PictureError(NO_NUMBERS)
            if level is not None:
                x = with_sigma(x, level_map(x, level))
            with exact_float32(self._device):
                result = self._compute(x).float()
            if not torch.isfinite(result).all():
                result = self._exact(x.cpu())
                if not torch.isfinite(result).all():
                    raise PictureError("has samples too large for the network; --white says what is white")
            return self._lanes.fetched(result)


def load_network(
    path: Path, *, device: str = "auto", precision: str = "auto", tile: str | int = "auto", engine: Engine | None = None
) -> NetworkDenoiser:
    """The network of a weights file.

    Raises WeightsError, and UsageError for a device or precision that there is not.
    """
    card = read_card(path)
    network, tensors = described(path, card)
    network.load_state_dict(tensors, assign=True)
    facts = {
        "radius": network.radius,
        "multiple": network.multiple,
        "channels": card.arguments.get("channels", 3),
        "level": "given" if network.takes_sigma else "blind",
    }
    for fact, value in facts.items():
        if getattr(card, fact) != value:
            raise WeightsError(f"{path} has a card whose {fact} is not that of its network, {value}")
    return NetworkDenoiser(card, network, device=device, precision=precision, tile=tile, engine=engine or fused)


def described(path: Path, card: Card) -> tuple[Network, dict[str, torch.Tensor]]:
    """The network that a file's card describes, without memory for its weights, and the file's tensors, which are its.

    Raises WeightsError.
    """
    try:
        with torch.device("meta"):
            network = build(card.architecture, card.arguments)
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise WeightsError(f"{path} has a card that describes no network: {error}") from error
    tensors = read_tensors(path, card)
    expected = network.state_dict()
    for name, like in expected.items():
        if name not in tensors or _kind(tensors[name]) != _kind(like):
            raise WeightsError(f"{path} lacks the tensor {name!r} of {_kind(like)} that {card.architecture} needs")
    if unknown := tensors.keys() - expected.keys():
        raise WeightsError(f"{path} has a tensor {min(unknown)!r} that {card.architecture} does not know")
    return network, tensors


def _one_of(levels: tuple[float, ...], pixels: Pixels | Stored) -> float:
    """The level at the picture's mean, where it depends on brightness."""
    if len(levels) == 1:
        return levels[0]
    mean = sample_patches(pixels, multiple=1).mean()
    return float(np.interp(mean, np.linspace(0, 1, len(levels)), levels))


def _kind(tensor: torch.Tensor) -> str:
    kind = "numbers" if tensor.is_floating_point() else "counts"
    return f"{tuple(tensor.shape)} {kind}"


def _part_of(progress: Progress | None, number: int, parts: int) -> Progress | None:
    if progress is None:
        return None
    return lambda done, total: progress((number * total + done) // parts, total)
