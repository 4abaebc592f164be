"""What came out, as tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from denoise_cli.fitting.forward import restored
from denoise_cli.images.image import Pixels, Samples
from denoise_cli.mnist.data import Digits
from denoise_cli.mnist.experiment import load_network
from denoise_cli.mnist.figures import draw_digits, draw_histograms
from denoise_cli.mnist.objective import as_float
from denoise_cli.mnist.trials import CLIPPED, OTHER_NOISE, OTHERS_STEPS, Plan, Trial
from denoise_cli.places.files import replacing

SHOWN, COUNTED = 12, 1000  # digits in the picture; and in the histograms


def account(plan: Plan, errors: Mapping[str, float], digits: Digits, folder: Path) -> str:
    """Tables in Markdown, which are written as `tables.md`; and `digits.png` and `histograms.png`."""
    test = digits.test[:COUNTED]
    noisy = CLIPPED.on(test, np.random.default_rng(0))
    supervised, noise2noise = (
        {trial.title: _denoised(folder, trial, test) for trial in trials}
        for trials in (plan.supervised, plan.noise2noise)
    )
    original = test / np.float32(255)
    alike = next(trial.title for trial in plan.supervised if trial.architecture == plan.noise2noise[0].architecture)
    rows = {"noisy": noisy[:, 0].numpy(), **supervised, **noise2noise, "original": original}
    draw_digits({title: pixels[:SHOWN] for title, pixels in rows.items()}, folder / "digits.png")
    values = {"original": original, f"{alike}, clean targets": supervised[alike], **noise2noise}
    draw_histograms(values, folder / "histograms.png")
    every = as_float(digits.test)
    error = float((CLIPPED.on(digits.test, np.random.default_rng(0)) - every).square().mean())
    text = tables(plan, errors, digits=len(digits.test), noisy=error)
    with replacing(folder / "tables.md") as file:
        file.write(text.encode())
    return text


def tables(plan: Plan, errors: Mapping[str, float], *, digits: int, noisy: float) -> str:
    """In Markdown. `errors`: by trials' names, on so many `digits`; `noisy`: that of the noisy digits themselves."""
    parts = [
        "Clean targets, Gaussian noise of standard deviation 0.5, clipped; "
        f"mean square error on {digits:,} test digits (noisy: {noisy:.4f}):",
        _table(plan.supervised, errors),
        "Noisy targets (Noise2Noise):",
        _table(plan.noise2noise, errors),
    ]
    if plan.others:
        parts += [f"Other noise, clean / noisy targets, {OTHERS_STEPS} steps:", _others(plan, errors)]
    return "\n\n".join(parts) + "\n"


@torch.inference_mode()
def _denoised(folder: Path, trial: Trial, test: Samples) -> Pixels:
    """`[count, 28, 28]`"""
    noisy = trial.noise.on(test, np.random.default_rng(0))
    pixels: Pixels = restored(load_network(folder, trial), noisy)[:, 0].clamp(0, 1).numpy()
    return pixels


def _table(trials: Sequence[Trial], errors: Mapping[str, float]) -> str:
    rows = [
        (
            trial.title,
            str(trial.steps),
            f"{errors[trial.name]:.5f}",
            "" if trial.article is None else f"{trial.article:g}",
        )
        for trial in trials
    ]
    return _markdown(rows, ("", "steps", "here", "article"))


def _others(plan: Plan, errors: Mapping[str, float]) -> str:
    rows = []
    for kind in OTHER_NOISE:
        clean, noisy = plan.others[kind, "clean"], plan.others[kind, "noisy"]
        rows.append(
            [kind, *(f"{errors[a.name]:.4f} / {errors[b.name]:.4f}" for a, b in zip(clean, noisy, strict=True))]
        )
    return _markdown(rows, ("", *(trial.title for trial in next(iter(plan.others.values())))))


def _markdown(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in (heads, ["---"] * len(heads), *rows))
