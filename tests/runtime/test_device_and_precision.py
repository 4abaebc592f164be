from __future__ import annotations

import pytest
import torch

from denoise_cli.errors import UsageError
from denoise_cli.runtime.device import choose_device, out_of_memory, tile_size
from denoise_cli.runtime.precision import choose_dtype, exact_float32, native_bf16

CPU = torch.device("cpu")


def test_the_cpu_is_always_there() -> None:
    assert choose_device("cpu") == CPU


@pytest.mark.parametrize("name", ["tpu", "cuda:99", "nonsense:1"])
def test_devices_that_are_not_there_are_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(UsageError, match=r"device|machine"):
        choose_device(name)


def test_precisions() -> None:
    assert choose_dtype("fp32", CPU) == torch.float32
    assert choose_dtype("bf16", CPU) == torch.bfloat16
    assert choose_dtype("auto", CPU) == (torch.bfloat16 if native_bf16(CPU) else torch.float32)
    with pytest.raises(UsageError, match="for GPUs"):
        choose_dtype("fp16", CPU)
    with pytest.raises(UsageError, match="int8"):
        choose_dtype("int8", CPU)


@pytest.mark.parametrize(
    ("name", "abilities", "native"),
    [
        ("Intel Xeon", ("avx512_bf16", "avx512_fp16", "amx_bf16"), True),
        ("Intel Xeon", ("avx512_bf16", "avx512_fp16"), False),  # made for AMX, which a virtual machine hides
        ("Intel Xeon", ("avx512_bf16",), True),
        ("AMD EPYC", ("avx512_bf16",), True),
        ("AMD EPYC", ("avx512_bf16", "avx512_fp16"), True),
        ("AMD EPYC", (), False),
    ],
)
def test_bfloat16_is_chosen_where_a_processor_multiplies_it_faster(
    monkeypatch: pytest.MonkeyPatch, name: str, abilities: tuple[str, ...], native: bool
) -> None:
    told = {"cpu_name": name, **dict.fromkeys(abilities, True)}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told, raising=False)
    assert native_bf16(CPU) == native


def test_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("denoise_cli.runtime.precision._able", lambda what: True)
    assert tile_size("off", CPU, torch.float32) is None
    assert tile_size(300, CPU, torch.float32) == 300
    assert tile_size("auto", CPU, torch.bfloat16) < tile_size("auto", CPU, torch.float32)
    for radius in (15, 91, 300):  # however far a network sees, most of a tile is no margin
        tile = tile_size("auto", CPU, torch.bfloat16, radius)
        assert tile is not None
        assert (tile - 2 * radius) ** 2 > tile**2 / 2
    for nonsense in ("tiny", 3, 0):
        with pytest.raises(UsageError, match="a tile is auto, off"):
            tile_size(nonsense, CPU, torch.float32)


def test_torchs_words_for_no_memory_are_known() -> None:
    assert out_of_memory(MemoryError())
    assert out_of_memory(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried ..."))
    assert not out_of_memory(RuntimeError("size mismatch"))


def test_that_is_what_torch_says() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60)
    assert out_of_memory(caught.value)


def test_float32_is_exact_on_gpus_for_a_while_and_the_setting_is_put_back() -> None:
    conv = torch.backends.cudnn.conv
    before = conv.fp32_precision
    try:
        conv.fp32_precision = "tf32"
        with exact_float32(torch.device("cpu")):
            assert conv.fp32_precision == "tf32"
        with exact_float32(torch.device("cuda")):
            assert conv.fp32_precision == "ieee"
        assert conv.fp32_precision == "tf32"
    finally:
        conv.fp32_precision = before
