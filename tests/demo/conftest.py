from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from denoise_cli.demo.app import Limits, create_app
from denoise_cli.demo.jobs import Jobs
from denoise_cli.demo.shelf import Shelf
from denoise_cli.denoisers import classical
from denoise_cli.denoisers.denoiser import Denoiser, Request
from denoise_cli.images.image import Canvas, Pixels, Stored


class Gate(Denoiser):
    """A denoiser that waits until it is let go on, and tells of its progress while it waits."""

    def __init__(self) -> None:
        self.card = classical.build("median").card
        self.entered, self.open = threading.Event(), threading.Event()

    def into(self, result: Pixels | Canvas, pixels: Pixels | Stored, request: Request) -> None:
        while not self.open.wait(0.01):
            if request.progress is not None:
                request.progress(1, 4)
            self.entered.set()
        result[:, :] = pixels[:, :]

    def level_of(self, pixels: Pixels | Stored) -> float:
        return 0.0


class ShelfWithGate(Shelf):
    """Offers `mean` as usual and puts a gate in the place of `median`."""

    def __init__(self) -> None:
        super().__init__("cpu")
        self.gate = Gate()

    def get(self, name: str) -> Denoiser:
        return self.gate if name == "median" else super().get(name)


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    jobs = Jobs(tmp_path, waiting=2, kept=2, grace=0)
    yield jobs
    jobs.close()


@pytest.fixture
def client(jobs: Jobs) -> FlaskClient:
    app = create_app(jobs, Shelf("cpu"), Limits(megabytes=2, megapixels=1), frozenset({"localhost"}))
    return app.test_client()


@pytest.fixture
def gate(jobs: Jobs) -> Iterator[tuple[FlaskClient, Gate]]:
    shelf = ShelfWithGate()
    yield create_app(jobs, shelf, Limits()).test_client(), shelf.gate
    shelf.gate.open.set()
