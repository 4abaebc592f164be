"""From a name or a weights file to a Denoiser."""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from denoise_cli import DEFAULT_MODEL
from denoise_cli.denoisers import classical
from denoise_cli.denoisers.by_colour import ByColour
from denoise_cli.denoisers.card import Card
from denoise_cli.denoisers.denoiser import Denoiser
from denoise_cli.denoisers.weights import bundled, read_card, write_card
from denoise_cli.errors import UsageError, WeightsError
from denoise_cli.places.place import URL, copied, place
from denoise_cli.runtime.words import check_words

if TYPE_CHECKING:
    from denoise_cli.denoisers.network import Engine

SUFFIX = ".safetensors"
GRAY = "-gray"  # behind the name of a bundled network: the weights that it has for gray pictures


def cards() -> list[Card]:
    """The cards of all bundled denoisers: networks by name, then the classical filters. Torch is not imported."""
    networks = [read_card(path) for path in sorted(bundled().glob("*" + SUFFIX), key=lambda path: path.stem)]
    return networks + [classical.build(name).card for name in classical.NAMES]


def card(model: str) -> Card:
    """The card of a bundled denoiser or a weights file.

    Raises UsageError for an unknown name, WeightsError for a file that is none.
    """
    if model in classical.NAMES:
        return classical.build(model).card
    path = weights_file(model)
    with _named(model, path):
        return read_card(path)


def load(
    model: str | os.PathLike[str] = DEFAULT_MODEL,
    *,
    size: float | None = None,
    device: str = "auto",
    precision: str = "auto",
    tile: str | int = "auto",
    engine: Engine | None = None,
) -> Denoiser:
    """A denoiser, ready for any number of pictures.

    The name of a bundled network stands for the weights that it has for gray pictures, too, which are taken for those;
    a path or URL stands for that file alone. `size` is that of a classical filter, in pixels: the edge of median's and
    mean's window, odd, or gaussian's standard deviation. For networks are `device` (auto, cpu, cuda, cuda:N or mps),
    `precision` (auto, fp32, bf16 or fp16), `tile` (auto, off or how many pixels a side it sees at once) and `engine`
    (what computes; default: `runtime.fused`).
    Raises UsageError for an unknown name or word, a size it cannot have or a device that is not there, WeightsError for
    a file that holds no network, TypeError for what is neither name nor path.
    """
    if not isinstance(model, (str, os.PathLike)):
        raise TypeError(f"model is a name or a path (or, for denoise(), what load() gave), not {type(model).__name__}")
    check_words(device, precision, tile)
    model = os.fspath(model)
    if model in classical.NAMES:
        return classical.build(model, size)
    path = weights_file(model)
    if size is not None:
        raise UsageError(f"{model} has no size; median, gaussian and mean do")
    from denoise_cli.denoisers.network import load_network

    load_one = partial(load_network, device=device, precision=precision, tile=tile, engine=engine)
    with _named(model, path):
        network = load_one(path)
    gray = shipped(model + GRAY) if shipped(model) else None
    return network if gray is None else ByColour(network, load_one(gray))


def weights_file(model: str) -> Path:
    """Where the weights of a bundled network, of a path or of a URL are; those of a URL are copied first.

    Raises UsageError for an unknown name and a path at which nothing can be looked up.
    """
    if URL.match(model):
        return copied(model)
    try:
        path = shipped(model) or Path(model).expanduser()
        if path.is_file():
            return path
    except (OSError, RuntimeError) as error:  # a name too long, a folder closed to us; a home that nobody has
        why = f" ({error.strerror})" if isinstance(error, OSError) else ", as there is no such home"
        raise UsageError(f"no weights file can be looked up at {model}{why}") from error
    if model in classical.NAMES:
        raise UsageError(f"{model} is a filter, which has no weights")
    if path.suffix or path.name != model:  # names of models have no suffix
        raise UsageError(f"there is no weights file {model}")
    names = [found.name for found in cards()]
    near = difflib.get_close_matches(model, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}, or the path of a weights file"
    raise UsageError(f"no model {model!r}; {hint}")


def shipped(name: str) -> Path | None:
    """Where the weights of a bundled network are; None for what is not the name of one."""
    path = bundled() / (name + SUFFIX)
    return path if name == Path(name).name and path.is_file() else None


@contextmanager
def _named(model: str, path: Path) -> Iterator[None]:
    """What is wrong with weights names their URL, where they have one, and not its copy on this machine."""
    try:
        yield
    except WeightsError as error:
        if URL.match(model):
            raise WeightsError(str(error).replace(str(path), str(place(model)))) from error
        raise


def record_psnr(model: str, test_set: str, levels: Mapping[str, float]) -> None:
    """Writes measured PSNR, decibels by noise level, into the card of a weights file.

    What is not finite is left out: JSON has no such numbers.

    Raises UsageError for what has no weights, WeightsError for a file that cannot be read.
    """
    path = weights_file(model)
    card = read_card(path)
    finite = {level: round(value, 2) for level, value in levels.items() if math.isfinite(value)}
    measured = {**card.psnr.get(test_set, {}), **finite}
    write_card(path, replace(card, psnr={**card.psnr, test_set: measured}))
