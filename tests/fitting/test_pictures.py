from __future__ import annotations

import numpy as np
import pytest
import torch

from denoise_cli.fitting.pictures import Pictures, crops
from tests.fitting.toys import CPU

SIZES = ((40, 61), (52, 45), (30, 80))  # the last is smaller than what is asked for


@pytest.mark.parametrize("planes", [(3,), (2, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("size", [8, 16])
def test_patches_cut_all_at_once_are_those_cut_one_by_one(planes: tuple[int, ...], dtype: type, size: int) -> None:
    random = np.random.default_rng(0)
    arrays = [random.integers(0, 256, (*planes, *shape)).astype(dtype) for shape in SIZES]
    torch_type = torch.from_numpy(arrays[0]).dtype
    pictures = Pictures(arrays, torch_type, device=CPU, smallest=40, what="these")
    at_once = pictures.patches(32, size, torch.Generator().manual_seed(size))
    assert at_once.dtype == torch_type
    assert torch.equal(at_once, one_by_one(arrays[:2], 32, size, torch.Generator().manual_seed(size)))


def one_by_one(arrays: list[np.ndarray], count: int, size: int, random: torch.Generator) -> torch.Tensor:
    pictures = [torch.from_numpy(array) for array in arrays]
    areas = torch.tensor([float(picture.shape[-2] * picture.shape[-1]) for picture in pictures])
    chosen = torch.multinomial(areas, count, replacement=True, generator=random).tolist()
    places = torch.rand(count, 2, generator=random).tolist()
    turns = torch.randint(0, 8, (count,), generator=random).tolist()
    patches = []
    for number, where, turn in zip(chosen, places, turns, strict=True):
        picture = pictures[number]
        top, left = (int(share * (side - size + 1)) for share, side in zip(where, picture.shape[-2:], strict=True))
        patch = torch.rot90(picture[..., top : top + size, left : left + size], turn % 4, (-2, -1))
        patches.append(patch.flip(-1) if turn >= 4 else patch)
    return torch.stack(patches)


def test_very_many_pictures_share_what_memory_there_is() -> None:
    draw, picture = np.random.default_rng(0), np.zeros((3, 40, 50), np.uint8)
    assert [crop.shape for crop in crops(picture, picture.nbytes, 16, draw)] == [picture.shape]
    assert [crop.shape for crop in crops(picture, 2.5 * 3 * 16 * 16, 16, draw)] == [(3, 16, 16)] * 2
    some = [len(list(crops(picture, 0.25 * 3 * 16 * 16, 16, draw))) for _ in range(1000)]
    assert set(some) == {0, 1}
    assert sum(some) == pytest.approx(250, rel=0.2)
