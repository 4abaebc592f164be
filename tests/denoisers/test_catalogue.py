from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from denoise_cli import DEFAULT_MODEL
from denoise_cli.denoisers import catalogue, classical, weights
from denoise_cli.errors import UsageError, WeightsError
from tests.conftest import toy_card, toy_network


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


@pytest.mark.parametrize(
    "options", [{"device": "gpu"}, {"device": None}, {"tile": 0}, {"tile": None}, {"precision": "fp8"}]
)
def test_words_for_networks_are_checked_for_filters_too(options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"there are auto|a tile is auto"):
        catalogue.load("median", **options)


def test_words_that_fit_other_machines_are_no_matter_to_filters() -> None:
    assert catalogue.load("median", device="cuda:1", precision="fp16", tile=64).card.name == "median"


def test_any_other_file_is_no_model(noisy_jpeg: Path) -> None:
    with pytest.raises(WeightsError, match=r"noisy\.jpg"):
        catalogue.load(str(noisy_jpeg))


def test_measured_psnr_goes_onto_the_card(toy_weights: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(toy_weights.read_bytes())
    catalogue.record_psnr(str(copy), "Set", {"25": 30.123})
    catalogue.record_psnr(str(copy), "Set", {"50": 27, "0": float("inf")})  # JSON has no such number
    assert catalogue.card(str(copy)).psnr == {"Set": {"25": 30.12, "50": 27}}
    catalogue.load(str(copy))


@pytest.fixture
def bundled(toy_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of bundled weights, which are those of a toy and the toy's for gray pictures."""
    (tmp_path / "toy.safetensors").write_bytes(toy_weights.read_bytes())
    gray = toy_network("dncnn", channels=1, seed=5).state_dict()
    weights.write(tmp_path / "toy-gray.safetensors", toy_card("dncnn", channels=1), gray)
    monkeypatch.setattr(catalogue, "bundled", lambda: tmp_path)
    return tmp_path


def test_gray_pictures_go_to_the_gray_weights_where_there_are_any(
    bundled: Path, toy_weights: Path, pixels: np.ndarray
) -> None:
    both, colour_only, gray_only = (catalogue.load(name) for name in ("toy", str(toy_weights), "toy-gray"))
    one, four = pixels[:, :, :1], np.concatenate([pixels, pixels[:, :, :1]], axis=2)
    assert both.card == colour_only.card
    assert np.array_equal(both(pixels), colour_only(pixels))
    assert np.array_equal(both(one), gray_only(one))
    assert np.array_equal(both(four), gray_only(four))
    assert not np.array_equal(both(one), colour_only(one))


def test_a_path_stands_for_its_file_alone_however_it_is_spelt(
    bundled: Path, toy_weights: Path, monkeypatch: pytest.MonkeyPatch, pixels: np.ndarray
) -> None:
    monkeypatch.chdir(bundled)
    alone = catalogue.load(toy_weights)(pixels[:, :, :1])
    for path in (bundled / "toy.safetensors", "toy.safetensors", "./toy.safetensors"):
        assert np.array_equal(catalogue.load(path)(pixels[:, :, :1]), alone)


@pytest.mark.parametrize("name", ["mine.safetensors", "weights/mine", "foo.pth"])
def test_a_weights_file_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(UsageError, match=f"no weights file {name}"):
        catalogue.weights_file(name)


@pytest.mark.parametrize("name", ["~no-such-user/x.safetensors", "x" * 300, "x" * 300 + ".safetensors", "a\0b"])
def test_names_that_cannot_be_looked_up_are_wrong_usage(name: str) -> None:
    for ask in (catalogue.weights_file, catalogue.card, catalogue.load):
        with pytest.raises(UsageError, match=r"no weights file|no model"):
            ask(name)
