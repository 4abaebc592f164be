from __future__ import annotations

from threading import Lock
from time import sleep

import numpy as np
import pytest
import torch

from denoise_cli.networks.blocks import with_sigma
from denoise_cli.runtime import tiles
from tests.conftest import TOYS, toy_network

SIZES = [(1, 1), (7, 3), (3, 7), (31, 32), (32, 33), (48, 49), (33, 64), (50, 97), (131, 17)]


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("multiple", [1, 4])
def test_every_pixel_is_written_once(height: int, width: int, multiple: int) -> None:
    written = np.zeros((height, width), int)
    for tile in tiles.plan(height, width, tile=(32, 16), margin=5, multiple=multiple):
        (top, bottom), (left, right) = tile.write
        written[top:bottom, left:right] += 1
    assert (written == 1).all()


def test_tiles_begin_and_end_at_multiples() -> None:
    for tile in tiles.plan(50, 97, tile=(30, 30), margin=5, multiple=4):
        assert all(edge % 4 == 0 for side in tile.read for edge in side)


@pytest.mark.parametrize("length", [47, 65, 90, 131, 500])
def test_a_tile_is_read_with_its_margin_and_all_are_of_one_size(length: int) -> None:
    plan = list(tiles.plan(length, 20, tile=(48, 20), margin=7))
    assert {tile.read[0][1] - tile.read[0][0] for tile in plan} == {min(length, 48)}
    for (top, bottom), (first, last) in [(tile.write[0], tile.read[0]) for tile in plan]:
        assert first == 0 or top - first >= 7
        assert last == length or last - bottom >= 7


def test_tiles_too_small_for_their_margins_grow() -> None:
    assert [tile.write[1] for tile in tiles.plan(16, 65, tile=(16, 16), margin=20)] == [
        (0, 28),
        (28, 36),
        (36, 44),
        (44, 65),
    ]


@pytest.mark.parametrize("length", [17, 36, 40, 41, 48])
def test_a_picture_that_its_margins_cover_is_one_tile(length: int) -> None:
    (tile,) = tiles.plan(16, length, tile=(16, 16), margin=20)
    assert tile.write[1] == tile.read[1] == (0, length)


def test_beyond_the_edge_a_picture_is_mirrored() -> None:
    pixels = np.arange(5, dtype=np.float32).reshape(1, 5, 1)
    (tile,) = tiles.plan(1, 5, tile=None, margin=0, multiple=4)
    assert tiles.cut(pixels, tile)[:, :, 0].tolist() == [[0, 1, 2, 3, 4, 4, 3, 2]] * 4


def test_progress_counts_pixels_and_ends_with_all(pixels: np.ndarray) -> None:
    seen: list[tuple[int, int]] = []
    plan = tiles.plan(37, 53, tile=(16, 16), margin=0)
    same = np.empty_like(pixels)
    tiles.apply(lambda part: part, pixels, plan, same, lambda done, total: seen.append((done, total)))
    assert np.array_equal(same, pixels)
    assert seen[-1] == (37 * 53, 37 * 53)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


@pytest.mark.parametrize("at_once", [2, 3, 100])
def test_several_at_once_are_put_together_in_order(
    pixels: np.ndarray, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = list(tiles.plan(37, 53, tile=(16, 16), margin=2))
    begun, under_way, most, lock = 0, 0, 0, Lock()

    def slow(part: np.ndarray) -> np.ndarray:
        nonlocal begun, under_way, most
        with lock:
            begun, under_way = begun + 1, under_way + 1
            most = max(most, under_way)
        sleep(0.01 if begun == 1 else 0.001)  # others overtake the first
        with lock:
            under_way -= 1
        return 1 - part

    put: list[tiles.Tile] = []
    paste = tiles.paste
    monkeypatch.setattr(tiles, "paste", lambda result, tile, part: (put.append(tile), paste(result, tile, part)))
    result = np.empty_like(pixels)
    tiles.apply(slow, pixels, plan, result, at_once=at_once)
    assert np.array_equal(result, 1 - pixels)
    assert put == plan
    assert 1 < most <= at_once


def test_an_error_in_one_of_several_ends_the_rest(pixels: np.ndarray) -> None:
    begun: list[int] = []

    def broken(part: np.ndarray) -> np.ndarray:
        begun.append(1)
        raise RuntimeError("no more")

    plan = list(tiles.plan(37, 53, tile=(8, 8), margin=0))
    with pytest.raises(RuntimeError, match="no more"):
        tiles.apply(broken, pixels, plan, np.empty_like(pixels), at_once=2)
    assert len(begun) < len(plan) / 2


@pytest.mark.parametrize("architecture", TOYS)
@pytest.mark.parametrize(("height", "width"), SIZES)
@torch.inference_mode()
def test_tiled_equals_whole(architecture: str, height: int, width: int) -> None:
    """Every network, at tiny, odd and tile-plus-or-minus-one sizes: the promise that seams are exact."""
    network = toy_network(architecture)
    pixels = np.random.default_rng(1).random((height, width, 3), np.float32)

    def run(part: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(np.ascontiguousarray(part.transpose(2, 0, 1)))[None]
        return network(with_sigma(x, 0.1) if network.takes_sigma else x)[0].permute(1, 2, 0).numpy()

    def result(tile: tuple[int, int] | None) -> np.ndarray:
        plan = tiles.plan(height, width, tile=tile, margin=network.radius, multiple=network.multiple)
        whole = np.empty_like(pixels)
        tiles.apply(run, pixels, plan, whole)
        return whole

    assert np.abs(result((32, 32)) - result(None)).max() < 1e-5


@torch.inference_mode()
def test_a_margin_smaller_than_the_radius_shows() -> None:
    """The test above can fail: with too small a margin there are seams."""
    network = toy_network("win5rb")
    x = torch.rand(1, 3, 64, 64)
    whole = network(x)
    cut = network(x[:, :, :, : 32 + network.radius // 2])
    assert (whole[:, :, :, :32] - cut[:, :, :, :32]).abs().max() > 1e-5
