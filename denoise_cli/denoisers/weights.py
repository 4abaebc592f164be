"""Weights files: safetensors with a Card inside. Reading a card needs no torch; a file may come from a stranger."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from denoise_cli.denoisers.card import Card
from denoise_cli.errors import WeightsError
from denoise_cli.places.files import replacing

if TYPE_CHECKING:
    import torch

CARD = "card"
LARGEST_HEADER = 1 << 24
LARGEST_FILE = 1 << 30
# What pickles (bare, or zipped by torch.save) begin with.
PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def bundled() -> Path:
    """The folder of the weights that come with the package: in it, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "weights"
    return inside if inside.is_dir() else package.parent / "weights"


def read_card(path: Path) -> Card:
    """The card of a weights file.

    Raises WeightsError.
    """
    try:
        with path.open("rb") as file:
            start = file.read(9)
            if start.startswith(PICKLES) and start[3:] != b"\0\0\0\0\0{":  # a length may look like a pickle's start
                raise WeightsError(
                    f"{path} is a pickle, which can run any program when opened, so it is not read; "
                    "save the tensors with safetensors instead"
                )
            length = int.from_bytes(start[:8], "little")
            size = os.fstat(file.fileno()).st_size
            if not 0 < length <= min(LARGEST_HEADER, size - 8) or size > LARGEST_FILE:
                raise WeightsError(f"{path} is not a weights file (safetensors) or is cut short")
            header = json.loads(start[8:] + file.read(length - 1))
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(f"{path} is not a weights file (safetensors) or is damaged") from error
    metadata = header.get("__metadata__", {}) if isinstance(header, dict) else {}
    if not isinstance(metadata, dict) or CARD not in metadata:
        raise WeightsError(
            f"{path} has no card, so nobody knows what its tensors are; files that `fit` writes have one"
        )
    try:
        return Card.from_json(str(metadata[CARD]))
    except WeightsError as error:
        raise WeightsError(f"{path} {error}") from None


def read_tensors(path: Path, card: Card) -> dict[str, torch.Tensor]:
    """The tensors of a weights file in float32, checked against its card.

    Raises WeightsError.
    """
    tensors = {
        name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in _stored(path, card).items()
    }
    if not are_numbers(tensors):
        raise WeightsError(f"{path} has weights that are no numbers, so no picture could be made by them")
    return tensors


def are_numbers(tensors: Mapping[str, torch.Tensor]) -> bool:
    """Whether none of the values is infinite or no number."""
    return all(bool(tensor.isfinite().all()) for tensor in tensors.values())


def _stored(path: Path, card: Card) -> dict[str, torch.Tensor]:
    """As they are in the file."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        stored: dict[str, torch.Tensor] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} is damaged: {error}") from error
    for name, tensor in stored.items():
        if tensor.dtype not in (torch.float16, torch.float32, torch.float64, torch.int64):
            raise WeightsError(f"{path} has a tensor of a kind that is not supported, {name!r} of {tensor.dtype}")
    if digest(stored) != card.sha256:
        raise WeightsError(f"{path} is damaged: its tensors are not the ones that its card describes")
    return stored


def write(path: Path, card: Card, tensors: Mapping[str, torch.Tensor]) -> Card:
    """Writes a weights file, convolutions in half precision, all else as it is; gives the card with their digest.

    Raises OSError.
    """
    stored = {
        name: (tensor.half() if tensor.ndim > 1 else tensor).contiguous().cpu() for name, tensor in tensors.items()
    }
    card = replace(card, sha256=digest(stored))
    _put(path, card, stored)
    return card


def write_card(path: Path, card: Card) -> None:
    """Gives a weights file another card, and leaves its tensors as they are.

    Raises WeightsError, OSError.
    """
    _put(path, card, _stored(path, read_card(path)))


def _put(path: Path, card: Card, stored: dict[str, torch.Tensor]) -> None:
    from safetensors.torch import save

    with replacing(path) as file:
        file.write(save(stored, metadata={CARD: card.to_json()}))


def digest(tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 of names, types, shapes and values, in the order of the names."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        values: np.ndarray[Any, Any] = tensors[name].numpy()
        total.update(f"{name} {values.dtype} {values.shape}".encode())
        total.update(np.ascontiguousarray(values).tobytes())
    return total.hexdigest()
