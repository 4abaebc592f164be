from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from denoise_cli.batch import many, picture
from denoise_cli.batch.many import InTurn, Outcome, denoise_all, none_there
from denoise_cli.batch.picture import Denoised, Settings, denoise_file
from denoise_cli.batch.plan import Job, make_plan
from denoise_cli.denoisers import classical
from denoise_cli.denoisers.card import Card
from denoise_cli.denoisers.denoiser import Denoiser, Request
from denoise_cli.images import formats
from denoise_cli.images.image import Canvas, Pixels, Stored


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    source = tmp_path / "in"
    source.mkdir()
    for number in range(12):
        Image.new("RGB", (30 + number, 20), (20 * number, 99, 7)).save(source / f"{number:02}.png")
    return source


def run(folder: Path, settings: Settings | None = None) -> dict[str, Outcome]:
    plan = make_plan([folder], folder.parent / "out")
    outcomes: dict[str, Outcome] = {}
    denoise_all(
        plan.jobs,
        settings or Settings(classical.build("median")),
        done=lambda outcome: outcomes.update({outcome.job.source.name: outcome}),
    )
    return outcomes


def test_one_failure_does_not_stop_the_rest(folder: Path) -> None:
    (folder / "03.png").write_bytes((folder / "03.png").read_bytes()[:60])
    (folder / "05.png").write_bytes(b"no picture at all")
    (folder / "07.png").write_bytes(b"")
    outcomes = run(folder)
    assert {name for name, outcome in outcomes.items() if outcome.failure} == {"03.png", "05.png", "07.png"}
    assert sorted(path.name for path in (folder.parent / "out").iterdir()) == [
        f"{n:02}.png" for n in range(12) if n not in (3, 5, 7)
    ]


class Recording(Denoiser):
    """A denoiser that notes how many pictures it is given at once, and in which threads."""

    def __init__(self) -> None:
        self.card = Card("recording", "classical", "", "none")
        self.inside, self.most, self.threads = 0, 0, {threading.get_ident()}
        self.lock = threading.Lock()

    def into(self, result: Pixels | Canvas, pixels: Pixels | Stored, request: Request) -> None:
        with self.lock:
            self.inside += 1
            self.threads.add(threading.get_ident())
            self.most = max(self.most, self.inside)
        time.sleep(0.01)
        result[:, :] = pixels[:, :]
        with self.lock:
            self.inside -= 1

    def level_of(self, pixels: Pixels | Stored) -> float:
        return 0.0


def test_one_picture_computes_at_a_time(folder: Path) -> None:
    recording = Recording()
    outcomes = run(folder, Settings(recording))
    assert len(outcomes) == 12
    assert recording.most == 1


def test_all_pictures_compute_in_the_thread_that_the_denoiser_was_loaded_in(folder: Path) -> None:
    plan, around = make_plan([folder], folder.parent / "out"), InTurn()
    recording = around.run(Recording)
    denoise_all(plan.jobs, Settings(recording), done=lambda outcome: None, around=around)
    assert recording.threads == {around.run(threading.get_ident)}


def test_reading_and_writing_go_on_while_another_computes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one picture computes, the next is read."""
    recording = Recording()
    reads_meanwhile: list[bool] = []

    def read(file: object, white: object) -> object:
        reads_meanwhile.append(recording.inside == 1)
        return formats.read(file, white)  # type: ignore[arg-type]

    monkeypatch.setattr(picture, "read", read)
    run(folder, Settings(recording))
    assert any(reads_meanwhile)


def test_unforeseen_errors_are_told_as_such(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classical, "median", None)
    failing = Settings(classical.Filter(classical.build("median").card, 3, lambda *a: 1 / 0))  # type: ignore[arg-type]
    outcome = run(folder, failing)["00.png"]
    assert "ZeroDivisionError" in str(outcome.failure)
    assert isinstance(outcome.bug, ZeroDivisionError)


def test_pictures_none_of_which_is_there_need_nothing_loaded(tmp_path: Path) -> None:
    gone = [Job(tmp_path / name, tmp_path / "out.png") for name in ("a.png", "b" * 300)]
    assert [outcome.failure for outcome in none_there(gone)] == [
        "cannot be read (No such file or directory)",
        "cannot be read (File name too long)",
    ]
    (tmp_path / "c.png").write_bytes(b"")
    assert none_there([*gone, Job(tmp_path / "c.png", tmp_path / "out.png")]) == []


def test_an_interrupt_ends_everything_and_leaves_no_half_file(folder: Path) -> None:
    plan = make_plan([folder], folder.parent / "out")
    seen: list[str] = []

    def done(outcome: Outcome) -> None:
        seen.append(outcome.job.target.name)
        if len(seen) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        denoise_all(plan.jobs, Settings(classical.build("median")), done=done)
    assert len(seen) < 12
    for path in (folder.parent / "out").iterdir():
        Image.open(path).load()
        assert not path.name.startswith(".")


def test_what_an_interrupt_finds_being_written_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped, seen = threading.Event(), set[str]()

    def slow(job: Job, *how: Any) -> Denoised:
        denoised = denoise_file(job, *how)
        if job.source.name != "00.png":
            stopped.wait(10)  # as a disk or a store may take its time
        return denoised

    def done(outcome: Outcome) -> None:
        seen.add(outcome.job.target.name)
        if len(seen) == 1:
            time.sleep(0.3)  # while the next two are on their way
            stopped.set()
            raise KeyboardInterrupt

    monkeypatch.setattr(many, "denoise_file", slow)
    with pytest.raises(KeyboardInterrupt):
        denoise_all(make_plan([folder], folder.parent / "out").jobs, Settings(classical.build("median")), done=done)
    assert len(seen) > 1
    assert seen == {path.name for path in (folder.parent / "out").iterdir()}


def test_outcomes_tell_the_noise_level(folder: Path) -> None:
    assert {outcome.sigma for outcome in run(folder, Settings(classical.build("nlm"), sigma=7)).values()} == {7.0}
