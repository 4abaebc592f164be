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
from denoise_cli.denoisers.network import load_network
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


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("content", [{"weight": 1}, {"weight": [0.5] * 1000}, "", 0, b"x" * 70_000])
def test_pickles_of_all_kinds_are_told_from_lengths(protocol: int, content: object, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(pickle.dumps(content, protocol))
    with pytest.raises(WeightsError, match="is a pickle"):
        weights.read_card(path)


@pytest.mark.parametrize("length", [0x280, 0x380, 0x480, 0x580, 0x10480])
def test_a_header_whose_length_looks_like_a_pickle_is_read(length: int, tmp_path: Path) -> None:
    def header(card: Card) -> bytes:
        return json.dumps({"__metadata__": {"card": card.to_json()}}).encode()

    card = Card("toy", "network", "", "blind")
    card = replace(card, summary="x" * (length - len(header(card))))
    path = tmp_path / "x.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + header(card))
    assert weights.read_card(path) == card


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


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "toy.safetensors"
    tensors = toy_network("dncnn").state_dict()
    tensors["body.0.weight"] = torch.full_like(tensors["body.0.weight"], float("nan"))
    card = weights.write(path, toy_card("dncnn"), tensors)
    with pytest.raises(WeightsError, match="weights that are no numbers"):
        weights.read_tensors(path, card)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.int8, torch.bool, torch.complex64])
def test_tensors_of_other_kinds_are_refused(dtype: torch.dtype, tmp_path: Path) -> None:
    path = tmp_path / "toy.safetensors"
    tensors = {name: tensor.to(dtype) for name, tensor in toy_network("dncnn").state_dict().items()}
    save_file(tensors, path, {"card": toy_card("dncnn").to_json()})
    with pytest.raises(WeightsError, match="of a kind that is not supported"):
        weights.read_tensors(path, weights.read_card(path))


def test_counts_in_place_of_numbers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "toy.safetensors"
    tensors = {name: tensor.long() for name, tensor in toy_network("dncnn").state_dict().items()}
    card = replace(toy_card("dncnn"), sha256=weights.digest(tensors))
    save_file(tensors, path, {"card": card.to_json()})
    with pytest.raises(WeightsError, match=r"lacks the tensor .* numbers that dncnn needs"):
        load_network(path, device="cpu")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"level": "given"}, "level is not that of its network"),
        ({"architecture": "unet", "arguments": {"widths": [8] * 200}}, "cannot have 200 widths"),
        ({"architecture": "unet", "arguments": {"widths": [8], "blocks": 4096}}, "cannot have blocks of 4096"),
        ({"architecture": "dncnn", "arguments": {"layers": 1}}, "cannot have layers of 1"),
        ({"architecture": "unet", "arguments": {"widths": [1] * 16}}, "cannot have 16 widths"),
        ({"architecture": "profiled", "arguments": {"levels": [5, 9], "stride": 64}}, "multiples of 512 pixels"),
        ({"psnr": {"clean": 5}}, "'psnr' makes no sense"),
        ({"psnr": {"clean": {"25": 10**400}}}, "'psnr' makes no sense"),
        ({"psnr": {"clean": {"25": float("inf")}}}, "not JSON"),
        ({"recipe": {"rate": float("nan")}}, "not JSON"),
        ({"parameters": 10**400}, "'parameters' makes no sense"),
        ({"family": "\x1b[31m"}, "family or level that is unknown: \ufffd"),
    ],
)
def test_cards_from_strangers_that_lie_are_refused(
    change: dict[str, object], complaint: str, toy_weights: Path, tmp_path: Path
) -> None:
    path = tmp_path / "toy.safetensors"
    facts = json.loads(weights.read_card(toy_weights).to_json()) | change
    save_file(load_file(toy_weights), path, {"card": json.dumps(facts)})
    with pytest.raises(WeightsError, match=complaint):
        load_network(path, device="cpu")


def test_cards_hold_nothing_that_cannot_be_shown(tmp_path: Path) -> None:
    card = replace(toy_card("dncnn"), name="a\udcff", summary="red \x1b[31m", training="é 東\n")
    weights.write(tmp_path / "toy.safetensors", card, toy_network("dncnn").state_dict())
    found = weights.read_card(tmp_path / "toy.safetensors")
    assert (found.name, found.summary, found.training) == ("a\ufffd", "red \ufffd[31m", "é 東\ufffd")


def test_a_header_nested_without_end_is_refused(tmp_path: Path) -> None:
    header = b"[" * 200_000
    path = tmp_path / "x.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(WeightsError, match="damaged"):
        weights.read_card(path)


def test_another_card_leaves_the_tensors_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "toy.safetensors"
    tensors = {name: tensor.contiguous() for name, tensor in toy_network("dncnn").state_dict().items()}
    card = replace(toy_card("dncnn"), sha256=weights.digest(tensors))
    save_file(tensors, path, {"card": card.to_json()})
    weights.write_card(path, replace(card, psnr={"set": {"25": 30.0}}))
    after = load_file(path)
    assert all(torch.equal(after[name], tensors[name]) for name in tensors)
    assert after["body.0.weight"].dtype == torch.float32
    assert weights.read_card(path).psnr == {"set": {"25": 30.0}}
