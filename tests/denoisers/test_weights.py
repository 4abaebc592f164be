from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from denoise_cli.denoisers import weights
from denoise_cli.denoisers.card import Card
from denoise_cli.errors import WeightsError
from tests.conftest import toy_card, toy_network


def test_a_card_survives_its_journey(toy_weights: Path) -> None:
    card = weights.read_card(toy_weights)
    assert replace(card, sha256="") == toy_card("dncnn")
    assert Card.from_json(card.to_json()) == card


def test_tensors_survive_with_half_precision_at_worst(toy_weights: Path) -> None:
    tensors = weights.read_tensors(toy_weights, weights.read_card(toy_weights))
    for name, original in toy_network("dncnn").state_dict().items():
        assert torch.allclose(tensors[name].float(), original.float(), rtol=1e-3, atol=1e-6), name
        assert tensors[name].dtype != torch.float16


def test_facts_of_a_later_version_are_passed_over() -> None:
    facts = json.loads(toy_card("dncnn").to_json())
    assert Card.from_json(json.dumps({**facts, "novelty": 1})) == toy_card("dncnn")


@pytest.mark.parametrize("bad", ["", "[]", "{}", '{"name": 3, "family": "network", "summary": "", "level": "blind"}'])
def test_cards_that_make_no_sense_are_refused(bad: str) -> None:
    with pytest.raises(WeightsError, match="card"):
        Card.from_json(bad)


def test_pickles_are_refused_with_a_way_out(tmp_path: Path) -> None:
    for path, save in (
        (tmp_path / "a.pt", torch.save),
        (tmp_path / "b.pkl", lambda d, p: p.write_bytes(pickle.dumps(d))),
    ):
        save({"weight": 1}, path)
        with pytest.raises(WeightsError, match=r"pickle.*safetensors"):
            weights.read_card(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff" * 100, (10).to_bytes(8, "little") + b"notjsonatall"])
def test_files_that_are_none_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"x\.safetensors"):
        weights.read_card(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"gone\.safetensors cannot be read"):
        weights.read_card(tmp_path / "gone.safetensors")


def test_weights_without_a_card_are_refused(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "x.safetensors")
    with pytest.raises(WeightsError, match="no card"):
        weights.read_card(tmp_path / "x.safetensors")


def test_changed_tensors_are_noticed(toy_weights: Path, tmp_path: Path) -> None:
    card = weights.read_card(toy_weights)
    tensors = load_file(toy_weights)
    name = next(iter(tensors))
    tensors[name] = tensors[name] + 1
    save_file(tensors, tmp_path / "x.safetensors", metadata={"card": card.to_json()})
    with pytest.raises(WeightsError, match="not the ones that its card describes"):
        weights.read_tensors(tmp_path / "x.safetensors", card)


def test_a_file_cut_short_is_refused(toy_weights: Path, tmp_path: Path) -> None:
    data = toy_weights.read_bytes()
    short = tmp_path / "short.safetensors"
    short.write_bytes(data[:-100])
    with pytest.raises(WeightsError, match="damaged"):
        weights.read_tensors(short, weights.read_card(short))
