from __future__ import annotations

import torch
from torch import nn

from denoise_cli.fitting.best import Best


def layer(value: float) -> nn.Linear:
    made = nn.Linear(1, 1)
    nn.init.constant_(made.weight, value)
    return made


def test_the_best_is_kept_and_patience_ends() -> None:
    best, now = Best(patience=2), layer(0)
    best.put_into(now)
    assert now.weight.item() == 0
    for psnr, value in ((20.0, 1.0), (30.0, 2.0), (29.0, 3.0)):
        best.offer(psnr, layer(value))
        assert not best.stalled
    best.put_into(now)
    assert now.weight.item() == 2
    best.offer(28.0, layer(4.0))
    assert best.stalled


def test_it_goes_on_from_a_checkpoint() -> None:
    best, again, now = Best(patience=2), Best(patience=2), layer(0)
    best.offer(30.0, layer(2.0))
    again.restore(best.state())
    again.offer(29.0, layer(3.0))
    again.put_into(now)
    assert torch.equal(now.weight, layer(2.0).weight)
