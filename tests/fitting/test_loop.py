from __future__ import annotations

import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from denoise_cli.errors import FitError, UsageError
from denoise_cli.fitting.loop import train
from denoise_cli.measure.quality import psnr
from denoise_cli.networks import build
from denoise_cli.noise.synthetic import add_gaussian
from tests.fitting.toys import CPU, SMALL, smooth, synthetic


def test_training_takes_noise_out() -> None:
    longer = replace(SMALL, steps=250, learning_rate=3e-3)
    torch.manual_seed(0)
    trained = train(build("dncnn", longer.arguments), longer, synthetic(longer), device=CPU)
    clean = smooth(9).astype(np.float32) / 255
    noisy = add_gaussian(clean, 25, seed=0)
    with torch.inference_mode():
        result = trained(torch.from_numpy(noisy.transpose(2, 0, 1).copy())[None])[0].permute(1, 2, 0).numpy()
    assert psnr(result, clean) > psnr(noisy, clean) + 1


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler")
def test_a_compiled_training_comes_to_the_same() -> None:
    short = replace(SMALL, steps=3)
    results = []
    for compiled in (False, True):
        torch.manual_seed(0)
        results.append(
            train(build("dncnn", short.arguments), short, synthetic(short), device=CPU, compile=compiled).state_dict()
        )
    for name, tensor in results[0].items():
        assert torch.allclose(tensor.float(), results[1][name].float(), atol=1e-2), name


def test_without_a_compiler_there_is_no_compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UsageError, match="takes a C\\+\\+ compiler"):
        train(build("dncnn", SMALL.arguments), SMALL, synthetic(SMALL), device=CPU, compile=True)


def test_a_stopped_training_ends_like_one_that_was_not(tmp_path: Path) -> None:
    def network() -> torch.nn.Module:
        torch.manual_seed(0)
        return build("dncnn", SMALL.arguments)

    undisturbed = train(network(), SMALL, synthetic(SMALL), device=CPU)

    taken: list[int] = []

    def interrupted(step: int, steps: int) -> None:
        taken.append(step)
        if len(taken) == 17:
            raise KeyboardInterrupt

    checkpoint, job = tmp_path / "checkpoint", {"device": CPU, "tick": interrupted}
    with pytest.raises(KeyboardInterrupt):
        train(network(), SMALL, synthetic(SMALL), checkpoint=checkpoint, **job)
    resumed = train(build("dncnn", SMALL.arguments), SMALL, synthetic(SMALL), checkpoint=checkpoint, **job)
    assert taken == list(range(1, SMALL.steps + 1))  # it did go on, and did not begin again
    for name, tensor in undisturbed.state_dict().items():
        assert torch.allclose(tensor.float(), resumed.state_dict()[name].float(), atol=1e-5), name


def test_ctrl_c_waits_for_the_end_of_an_update(tmp_path: Path) -> None:
    def network() -> torch.nn.Module:
        torch.manual_seed(0)
        return build("dncnn", SMALL.arguments)

    undisturbed = train(network(), SMALL, synthetic(SMALL), device=CPU)
    trained, checkpoint = network(), tmp_path / "checkpoint"

    def ctrl_c(*_: object) -> None:
        """When batch norms have counted the patches."""
        handler = signal.getsignal(signal.SIGINT)
        assert callable(handler)
        handler(signal.SIGINT, None)

    trained.register_forward_hook(ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        train(trained, SMALL, synthetic(SMALL), device=CPU, checkpoint=checkpoint)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert torch.load(checkpoint, weights_only=True)["step"] == 1
    resumed = train(network(), SMALL, synthetic(SMALL), device=CPU, checkpoint=checkpoint)
    for name, tensor in undisturbed.state_dict().items():
        assert torch.allclose(tensor.float(), resumed.state_dict()[name].float(), atol=1e-5), name


def test_a_second_ctrl_c_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    """Within a step, when batch norms have counted the patches and weights have not learnt from them."""
    checkpoint, trained = tmp_path / "checkpoint", build("dncnn", SMALL.arguments)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(trained, SMALL, synthetic(SMALL), device=CPU, checkpoint=checkpoint, tick=stop)
    before = checkpoint.read_bytes()
    trained.register_forward_hook(stop)
    with pytest.raises(KeyboardInterrupt):
        train(trained, SMALL, synthetic(SMALL), device=CPU, checkpoint=checkpoint)
    assert checkpoint.read_bytes() == before


def test_a_bar_that_is_interrupted_leaves_the_average_whole(tmp_path: Path) -> None:
    def stop(step: int, steps: int) -> None:
        raise KeyboardInterrupt

    checkpoint = tmp_path / "checkpoint"
    with pytest.raises(KeyboardInterrupt):
        train(build("dncnn", SMALL.arguments), SMALL, synthetic(SMALL), device=CPU, checkpoint=checkpoint, tick=stop)
    state = torch.load(checkpoint, weights_only=True)
    assert state["step"] == 1
    assert all(count == 1 for name, count in state["average"].items() if name.endswith("num_batches_tracked"))


def test_checkpoints_of_other_recipes_are_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint"
    short = replace(SMALL, steps=2)
    train(build("dncnn", SMALL.arguments), short, synthetic(short), device=CPU, checkpoint=checkpoint)
    with pytest.raises(ValueError, match="another recipe"):
        train(build("dncnn", SMALL.arguments), SMALL, synthetic(SMALL), device=CPU, checkpoint=checkpoint)


@pytest.mark.parametrize("content", [b"", b"garbage", "list"])
def test_damaged_checkpoints_are_told(content: bytes | str, tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint"
    if isinstance(content, bytes):
        checkpoint.write_bytes(content)
    else:
        torch.save([1, 2], checkpoint)
    with pytest.raises(UsageError, match="checkpoint is no checkpoint, or is damaged; remove it"):
        train(build("dncnn", SMALL.arguments), SMALL, synthetic(SMALL), device=CPU, checkpoint=checkpoint)


def test_frozen_norms_keep_their_statistics() -> None:
    network = build("dncnn", SMALL.arguments)
    frozen = replace(SMALL, steps=3, freeze_norms_after=0.0)
    train(network, frozen, synthetic(frozen), device=CPU)
    norm = next(layer for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm2d))
    assert norm.running_mean is not None
    assert torch.equal(norm.running_mean, torch.zeros(8))


def test_a_training_that_breaks_down_is_told() -> None:
    wild = replace(SMALL, learning_rate=float("inf"), warmup=0)
    with pytest.raises(FitError, match="broke down at step"):
        train(build("dncnn", SMALL.arguments), wild, synthetic(wild), device=CPU)
