"""The article's comparisons, one network each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from denoise_cli.fitting.recipe import Recipe
from denoise_cli.mnist.data import SIDE, TRAINING
from denoise_cli.mnist.objective import DigitNoise
from denoise_cli.noise.spec import NoiseRange

EPOCHS, BATCH = 10, 128
NOISY_EPOCHS = 3  # with noisy targets, of which Win5-RB's take an hour of two cores
OTHERS_STEPS, QUICK_STEPS = 100, 300
HALF = 0.5 * 255  # the noise's standard deviation; the article does not say it, but its Noise2Noise figure comes out so
CLIPPED = DigitNoise(NoiseRange("gaussian", HALF, HALF))
UNCLIPPED = DigitNoise(NoiseRange("gaussian", HALF, HALF), clipped=False)
OTHER_NOISE = {
    "salt and pepper, 40 %": DigitNoise(NoiseRange("salt-pepper", 40, 40)),
    "speckle, 0.5": DigitNoise(NoiseRange("speckle", HALF, HALF)),
    "Poisson, 4 photons in white": DigitNoise(NoiseRange("poisson", HALF, HALF)),
}


def _steps(epochs: int) -> int:
    return epochs * TRAINING // BATCH


@dataclass(frozen=True)
class Trial:
    """`name`: of its weights file. `article`: the mean square error that the article has for it, if it has one."""

    name: str
    title: str
    architecture: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    noise: DigitNoise = CLIPPED
    noisy_targets: bool = False
    squared: bool = True
    article: float | None = None
    steps: int = _steps(EPOCHS)

    @property
    def recipe(self) -> Recipe:
        kind, level = self.noise.noise.kind, self.noise.noise.low
        return Recipe(
            self.architecture,
            {"channels": 1, **self.arguments},
            noise=f"{kind}:{level:g}{', clipped' if self.noise.clipped else ''}",
            loss="l2" if self.squared else "l1",
            steps=self.steps,
            batch=BATCH,
            patch=SIDE,
            warmup=50,
        )


SUPERVISED = (
    Trial("mnist-cnn", "CNN", "cnn", article=0.01171),
    Trial("mnist-cae", "CAE", "cae", article=0.00991),
    Trial("mnist-dncnn", "DnCNN", "dncnn", article=0.00943),
    Trial("mnist-win5rb", "Win5-RB", "win5rb", article=0.00873),
)
NOISE2NOISE = tuple(
    replace(trial, noisy_targets=True, steps=_steps(NOISY_EPOCHS))
    for trial in (
        Trial("mnist-cae-n2n-clipped-l2", "CAE, a: clipped, squared errors", "cae"),
        Trial("mnist-cae-n2n-unclipped", "CAE, b: unclipped, squared errors", "cae", noise=UNCLIPPED),
        Trial("mnist-cae-n2n", "CAE, c: clipped, absolute errors", "cae", squared=False),
        Trial("mnist-win5rb-n2n", "Win5-RB, c", "win5rb", squared=False, article=0.0425),
    )
)
OTHERS = {
    (kind, way): tuple(
        Trial(
            f"{architecture}-{noise.noise.kind}-{way}",
            title,
            architecture,
            noise=noise,
            noisy_targets=way == "noisy",
            squared=way == "clean",
            steps=OTHERS_STEPS,
        )
        for architecture, title in (("cnn", "CNN"), ("cae", "CAE"))
    )
    for kind, noise in OTHER_NOISE.items()
    for way in ("clean", "noisy")
}


@dataclass(frozen=True)
class Plan:
    """`others`: by kind of noise and by targets, clean or noisy. `digits`: how many are trained on, all if None."""

    supervised: tuple[Trial, ...]
    noise2noise: tuple[Trial, ...]
    others: Mapping[tuple[str, str], tuple[Trial, ...]] = field(default_factory=dict)
    digits: int | None = None

    @property
    def trials(self) -> tuple[Trial, ...]:
        return (*self.supervised, *self.noise2noise, *chain.from_iterable(self.others.values()))


def _small(trial: Trial) -> Trial:
    """The same question to a network of a few seconds; the article's figure is none to compare it with."""
    return replace(
        trial,
        name=f"quick-{trial.name}".replace(trial.architecture, "dncnn"),
        title=trial.title.removeprefix("CAE, "),
        architecture="dncnn",
        arguments={"filters": 16, "layers": 6},
        article=None,
        steps=QUICK_STEPS,
    )


FULL = Plan(SUPERVISED, NOISE2NOISE, OTHERS)
QUICK = Plan((_small(SUPERVISED[2]),), tuple(_small(trial) for trial in NOISE2NOISE[:3]), digits=5_000)
