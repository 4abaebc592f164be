"""Training the article's networks on digits, one trial after the other; what is done already is not done again."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from denoise_cli.denoisers.catalogue import SUFFIX, record_psnr
from denoise_cli.denoisers.weights import read_card
from denoise_cli.fitting.job import Job, first_weights, fit
from denoise_cli.mnist.data import Digits
from denoise_cli.mnist.objective import DigitNoiseRemoval, mean_square_error
from denoise_cli.mnist.trials import BATCH, Plan, Trial
from denoise_cli.networks.blocks import Network
from denoise_cli.places.files import replacing
from denoise_cli.runtime.device import choose_device

RESULTS = "results.json"
DATA = "{count:,} handwritten digits of MNIST (LeCun, Cortes & Burges; CC BY-SA 3.0)"


def run(
    plan: Plan,
    digits: Digits,
    folder: Path,
    *,
    device: str = "auto",
    compile: bool = False,
    tell: Callable[[str], None] = lambda line: None,
    tick: Callable[[int, int], None] = lambda step, steps: None,
) -> dict[str, float]:
    """Trains what the folder has no result of, by checkpoints that survive a stop; gives each trial's test error.

    Writes a weights file for each trial, and `results.json`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    results = folder / RESULTS
    errors: dict[str, float] = json.loads(results.read_text()) if results.is_file() else {}
    train, held_out = digits.train[: plan.digits], digits.held_out[: plan.digits]
    on = choose_device(device)
    for number, trial in enumerate(plan.trials, start=1):
        path = folder / f"{trial.name}{SUFFIX}"
        fresh = not path.is_file() or read_card(path).recipe != asdict(trial.recipe)
        if trial.name in errors and not fresh:
            continue
        if fresh:
            tell(f"{trial.name}, {number} of {len(plan.trials)}")
            checkpoint = path.with_suffix(".checkpoint")
            how = ", learnt from noisy digits alone" if trial.noisy_targets else ""
            job = Job(
                path,
                device=device,
                checkpoint=checkpoint,
                summary=f"noisy handwritten digits; {trial.title.partition(',')[0]}{how}",
                training=DATA.format(count=len(train)),
                command="denoise-img mnist",
                compile=compile,
                report=lambda status: tell(str(status)),
                tick=tick,
            )
            aims = trial.noise, trial.noisy_targets, trial.squared
            fit(trial.recipe, job, partial(DigitNoiseRemoval, train, held_out, *aims, BATCH))
            checkpoint.unlink()
        errors[trial.name] = mean_square_error(load_network(folder, trial).to(on), digits.test, trial.noise, on)
        record_psnr(str(path), "MNIST", {f"{trial.noise.noise.low:g}": -10 * math.log10(errors[trial.name])})
        with replacing(results) as file:
            file.write(json.dumps(errors, indent=2).encode())
        tell(f"{trial.name}: mean square error {errors[trial.name]:.5f}")
    return {trial.name: errors[trial.name] for trial in plan.trials}


def load_network(folder: Path, trial: Trial) -> Network:
    """What a trial made, in evaluation mode."""
    return first_weights(trial.recipe, folder / f"{trial.name}{SUFFIX}").eval()
