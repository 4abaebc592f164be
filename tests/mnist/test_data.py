from __future__ import annotations

import gzip
import hashlib
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from denoise_cli.errors import PictureError, UsageError
from denoise_cli.mnist import data


def idx(count: int) -> bytes:
    pixels = np.random.default_rng(count).integers(0, 256, (count, 28, 28), np.uint8)
    head = b"".join(number.to_bytes(4, "big") for number in (0x803, count, 28, 28))
    return head + pixels.tobytes()


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Two small files that count as MNIST's."""
    files = {data.TRAIN: idx(60), data.TEST: idx(10)}
    monkeypatch.setattr(data, "SHA256", {name: hashlib.sha256(content).hexdigest() for name, content in files.items()})
    monkeypatch.setattr(data, "TRAINING", 50)
    return files


@pytest.mark.parametrize("packed", [False, True])
def test_idx_files_are_read_from_a_folder(files: dict[str, bytes], packed: bool, tmp_path: Path) -> None:
    for name, content in files.items():
        (tmp_path / (name + ".gz" * packed)).write_bytes(gzip.compress(content) if packed else content)
    found = data.digits(tmp_path)
    assert [part.shape for part in (found.train, found.held_out, found.test)] == [
        (50, 28, 28),
        (10, 28, 28),
        (10, 28, 28),
    ]
    assert found.test[3, 0, 0] == files[data.TEST][16 + 3 * 28 * 28]


def test_what_is_not_mnist_is_told(files: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has neither train-images-idx3-ubyte nor train-images-idx3-ubyte\.gz"):
        data.digits(tmp_path)
    for name in files:
        (tmp_path / name).write_bytes(idx(7))
    with pytest.raises(PictureError, match="its checksum differs"):
        data.digits(tmp_path)
    (tmp_path / data.TRAIN).unlink()
    (tmp_path / f"{data.TRAIN}.gz").write_bytes(gzip.compress(files[data.TRAIN])[:50])
    with pytest.raises(PictureError, match="is damaged"):
        data.digits(tmp_path)


def test_digits_are_downloaded_once(files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Answer:
        def __init__(self, content: bytes) -> None:
            self._content = content

        def __enter__(self) -> Answer:
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def read(self) -> bytes:
            return self._content

    def urlopen(url: str, timeout: float) -> Answer:
        asked.append(url)
        if url.startswith(data.MIRRORS[0]):
            raise OSError("no route to host")
        return Answer(gzip.compress(files[url.rsplit("/", 1)[1].removesuffix(".gz")]))

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    monkeypatch.setattr(data, "user_cache_path", lambda name: tmp_path / name)
    assert data.digits().train.shape == (50, 28, 28)
    assert len(asked) == 4
    assert data.digits().test.shape == (10, 28, 28)
    assert len(asked) == 4


def test_offline_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def urlopen(url: str, timeout: float) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    monkeypatch.setattr(data, "user_cache_path", lambda name: tmp_path / name)
    with pytest.raises(UsageError, match=r"cannot be downloaded .*no route to host.* --data names a folder"):
        data.digits()
