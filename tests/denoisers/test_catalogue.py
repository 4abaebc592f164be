from __future__ import annotations

from pathlib import Path

import pytest

from denoise_cli import DEFAULT_MODEL
from denoise_cli.denoisers import catalogue, classical
from denoise_cli.errors import UsageError, WeightsError


def test_what_is_bundled() -> None:
    names = [card.name for card in catalogue.cards()]
    assert DEFAULT_MODEL in names
    assert set(classical.NAMES) <= set(names)


@pytest.mark.parametrize("card", [c for c in catalogue.cards() if c.family == "network"], ids=lambda c: c.name)
def test_bundled_cards_are_complete_and_their_networks_load(card: catalogue.Card) -> None:
    assert card.training
    assert card.command
    assert card.psnr
    assert card.parameters
    assert card.macs_per_pixel
    assert catalogue.load(card.name, device="cpu").card == card


def test_a_weights_file_is_a_model(toy_weights: Path) -> None:
    assert catalogue.load(str(toy_weights)).card.name == "toy"
    assert catalogue.card(str(toy_weights)).name == "toy"


def test_unknown_names_get_a_hint() -> None:
    with pytest.raises(UsageError, match="did you mean median"):
        catalogue.load("medain")
    with pytest.raises(UsageError, match=r"there are .*median"):
        catalogue.load("zzzz")


def test_a_size_is_for_filters(toy_weights: Path) -> None:
    with pytest.raises(UsageError, match="has no size"):
        catalogue.load(str(toy_weights), size=3)


def test_any_other_file_is_no_model(noisy_jpeg: Path) -> None:
    with pytest.raises(WeightsError, match=r"noisy\.jpg"):
        catalogue.load(str(noisy_jpeg))


def test_measured_psnr_goes_onto_the_card(toy_weights: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(toy_weights.read_bytes())
    catalogue.record_psnr(str(copy), "Set", {"25": 30.123})
    catalogue.record_psnr(str(copy), "Set", {"50": 27})
    assert catalogue.card(str(copy)).psnr == {"Set": {"25": 30.12, "50": 27}}
    catalogue.load(str(copy))
