"""The recipes that `fit` knows by name: how the bundled weights were made."""

from __future__ import annotations

from denoise_cli.denoisers.card import Card
from denoise_cli.errors import UsageError
from denoise_cli.fitting.job import WRAPPERS
from denoise_cli.fitting.recipe import Recipe

RECIPES: dict[str, Recipe] = {
    "cnn": Recipe("cnn", {"channels": 3}, steps=2_000, warmup=50, weight_decay=0.1),
    "cae": Recipe("cae", {"channels": 3}, steps=2_000, warmup=50, weight_decay=0.1),
    "dncnn": Recipe("dncnn", {"channels": 3}, steps=4_000, learning_rate=2e-3, warmup=50, weight_decay=0.1),
    "win5rb": Recipe("win5rb", {"channels": 3}),
    # Win5-RB in parts: with a fifth of the taps from scratch, then in full, starting from what that learnt.
    # weights/README.md has the commands, the last of which runs the second recipe for longer.
    "win5rb-dilated": Recipe(
        "win5rb",
        {"channels": 3, "dilations": [1, 2, 3]},
        steps=12_000,
        batch=8,
        patch=40,
        freeze_norms_after=0.45,
    ),
    "win5rb-widened": Recipe(
        "win5rb",
        {"channels": 3},
        steps=400,
        batch=8,
        patch=48,
        learning_rate=1e-4,
        warmup=50,
        freeze_norms_after=0.0,
    ),
    "unet": Recipe("unet", {"channels": 3}, gray=0.15, steps=9_000, patch=128, learning_rate=1.5e-3, weight_decay=0.1),
    # `unet` with a part that judges how strong noise is, in what cameras deliver and in clean pictures as well.
    "photo": Recipe(
        "unet",
        {"channels": 3, "estimates": True},
        noise="gaussian:0-55+camera+camera+gaussian:0-5",
        gray=0.15,
        steps=4_000,
        batch=32,
        patch=128,
        learning_rate=2e-3,
        only="level",
    ),
}
SUMMARIES = {
    "photo": "photographs as cameras deliver them, and clean ones",
    "unet": "Gaussian noise of a known or estimated level",
    "cnn": "Gaussian noise of any level up to 55; a plain CNN",
    "cae": "Gaussian noise of any level up to 55; a convolutional autoencoder",
    "dncnn": "Gaussian noise of any level up to 55",
    "win5rb": "Gaussian noise of any level up to 55",
}
NEED_A_START = {"win5rb-widened", "photo"}


def recipe(name: str) -> Recipe:
    """Raises UsageError for a name that no recipe has."""
    if name not in RECIPES:
        raise UsageError(f"no recipe {name!r}; there are {', '.join(RECIPES)}")
    return RECIPES[name]


def noisy_recipe(start: Card) -> Recipe:
    """For going on from a network, on noisy pictures alone: short, and gentle with what it has learnt."""
    return Recipe(
        start.architecture,
        start.arguments,
        noise="of noisy pictures",
        steps=1_000,
        # U-Nets, alone or in what holds one, see 91 pixels to each side, and are trained on 128 from scratch too.
        patch=128 if start.architecture in ("unet", *WRAPPERS) else 64,
        learning_rate=2e-4,
        warmup=50,
        ema=0.995,
        freeze_norms_after=0.0,
    )
