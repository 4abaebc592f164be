from __future__ import annotations

import pytest
import torch

from denoise_cli.errors import FitError
from denoise_cli.fitting.losses import Losses


def test_the_loss_that_is_shown_follows_the_steps() -> None:
    losses = Losses()
    for step in range(1, 200):
        losses.add(step, torch.tensor(1.0 if step < 100 else 0.5))
    losses.read_all()
    assert 0.5 < losses.smooth < 0.6


def test_each_is_read_at_the_next_step() -> None:
    losses = Losses()
    losses.add(7, torch.tensor(float("nan")))
    with pytest.raises(FitError, match="at step 7"):
        losses.add(8, torch.tensor(1.0))


def test_one_that_ctrl_c_came_upon_is_read_later(monkeypatch: pytest.MonkeyPatch) -> None:
    losses, unread = Losses(), torch.tensor(float("nan"))
    losses.add(7, unread)
    with monkeypatch.context() as patch:
        patch.setattr(torch.Tensor, "item", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            losses.add(8, torch.tensor(1.0))
    with pytest.raises(FitError, match="at step 7"):
        losses.read_all()


def test_the_last_one_is_not_forgotten() -> None:
    losses = Losses()
    losses.add(7, torch.tensor(float("inf")))
    with pytest.raises(FitError, match="at step 7: its loss is inf"):
        losses.read_all()
