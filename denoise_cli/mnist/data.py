"""The handwritten digits of MNIST (LeCun, Cortes & Burges), from a folder or, once, from the net."""

from __future__ import annotations

import gzip
import hashlib
import urllib.error
import urllib.request
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

from denoise_cli.errors import PictureError, UsageError
from denoise_cli.images.image import Samples
from denoise_cli.places.files import replacing

MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist")
TRAIN, TEST = "train-images-idx3-ubyte", "t10k-images-idx3-ubyte"
SHA256 = {  # of the files, unpacked
    TRAIN: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    TEST: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
}
TRAINING = 50_000  # of the 60,000; the others tell how a training goes
SIDE, HEAD = 28, 16  # pixels; bytes before them
TIMEOUT = 30.0  # seconds without an answer


@dataclass(frozen=True)
class Digits:
    """uint8 `[count, 28, 28]`: 50,000 for training, 10,000 to see how that goes, 10,000 for the test."""

    train: Samples
    held_out: Samples
    test: Samples


def digits(folder: Path | None = None) -> Digits:
    """Of the idx files in `folder`, plain or packed with gzip, or in the user's cache, downloaded once.

    Raises UsageError where they are not and cannot be had, PictureError for files that are something else.
    """
    train, test = (_pixels(_local(folder, name) if folder else _cached(name), name) for name in (TRAIN, TEST))
    return Digits(train[:TRAINING], train[TRAINING:], test)


def _pixels(content: bytes, name: str) -> Samples:
    if hashlib.sha256(content).hexdigest() != SHA256[name]:
        raise PictureError(f"{name} is not the file of MNIST; its checksum differs")
    return np.frombuffer(content, np.uint8, offset=HEAD).reshape(-1, SIDE, SIDE)


def _local(folder: Path, name: str) -> bytes:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return _unpacked(path.read_bytes(), path)
    raise UsageError(f"{folder} has neither {name} nor {name}.gz")


def _unpacked(content: bytes, path: Path | str) -> bytes:
    try:
        return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (OSError, EOFError, zlib.error) as error:
        raise PictureError(f"{path} is damaged ({error})") from error


def _cached(name: str) -> bytes:
    folder = user_cache_path("denoise-img") / "mnist"
    path = folder / f"{name}.gz"
    if not path.is_file():
        packed = _downloaded(name)
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(packed)
    return _unpacked(path.read_bytes(), path)


def _downloaded(name: str) -> bytes:
    """From the first mirror that has it."""
    reasons = []
    for mirror in MIRRORS:
        try:
            with urllib.request.urlopen(f"{mirror}/{name}.gz", timeout=TIMEOUT) as answer:
                packed: bytes = answer.read()
            _pixels(_unpacked(packed, mirror), name)
            return packed
        except (OSError, PictureError) as error:
            reasons.append(str(getattr(error, "reason", error)))
    raise UsageError(
        f"MNIST is not here yet and cannot be downloaded ({'; '.join(reasons)}); --data names a folder that has it"
    )
