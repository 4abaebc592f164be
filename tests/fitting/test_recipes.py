from __future__ import annotations

import pytest

from denoise_cli.errors import UsageError
from denoise_cli.fitting.recipes import RECIPES, noisy_recipe, recipe
from denoise_cli.networks import build
from tests.conftest import toy_card


def test_recipes_build_their_networks() -> None:
    for name in RECIPES:
        build(recipe(name).architecture, recipe(name).arguments)
    with pytest.raises(UsageError, match="no recipe 'unet9'"):
        recipe("unet9")


@pytest.mark.parametrize(
    ("architecture", "patch"), [("unet", 128), ("profiled", 128), ("stabilised", 128), ("dncnn", 64)]
)
def test_u_nets_learn_from_noisy_pictures_on_large_patches(architecture: str, patch: int) -> None:
    assert noisy_recipe(toy_card(architecture)).patch == patch
