"""Minutes, and Ctrl-C before they are over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from denoise_cli.fitting import noisy_only
from denoise_cli.fitting.findings import Wish
from denoise_cli.fitting.job import Job
from denoise_cli.fitting.loop import Status
from denoise_cli.fitting.noisy_only import fit_noisy_only
from denoise_cli.fitting.recipe import Recipe
from tests.fitting.shots import SCRATCH, gain


def test_ctrl_c_writes_the_best_so_far(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(status: Status) -> None:
        if status.step > 60:
            raise KeyboardInterrupt

    monkeypatch.setattr(noisy_only, "REPORT_EVERY", 0.01)
    output, checkpoint = tmp_path / "mine.safetensors", tmp_path / "mine.checkpoint"
    _, outcome = fit_noisy_only(folder, SCRATCH, Job(output, checkpoint=checkpoint, report=stop), Wish())
    assert outcome.stopped
    assert gain(output) > 1
    assert checkpoint.exists()
    _, outcome = fit_noisy_only(folder, SCRATCH, Job(output, checkpoint=checkpoint), Wish())
    assert not outcome.stopped


def test_minutes_become_steps(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noisy_only, "FEWEST_STEPS", 7)
    wish = Wish(minutes=1e-9, keep_anyway=True)
    card, _ = fit_noisy_only(folder, SCRATCH, Job(tmp_path / "mine.safetensors"), wish)
    assert card.recipe["steps"] == 7


def test_a_slow_first_step_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=0.0, monotonic=lambda: clock.now)

    def slow_start(
        network: object, recipe: Recipe, objective: object, *, tick: Callable[..., None], **_: object
    ) -> None:
        for step in range(1, recipe.steps + 1):
            clock.now += 100 if step == 1 else 0.5
            tick(step, recipe.steps)

    monkeypatch.setattr(noisy_only, "train", slow_start)
    monkeypatch.setattr(noisy_only, "time", clock)
    objective = SimpleNamespace(device=torch.device("cpu"))
    assert noisy_only._steps(1.0, SCRATCH, Job(tmp_path / "x.safetensors"), objective) == 120  # type: ignore[arg-type]


def test_ctrl_c_writes_what_is_there_even_if_it_is_of_no_use_yet(folder: Path, tmp_path: Path) -> None:
    def stop(step: int, steps: int) -> None:
        if step == 3:
            raise KeyboardInterrupt

    output = tmp_path / "mine.safetensors"
    wild = replace(SCRATCH, learning_rate=0.5, warmup=1)
    _, outcome = fit_noisy_only(folder, wild, Job(output, tick=stop), Wish())
    assert outcome.stopped
    assert output.exists()
