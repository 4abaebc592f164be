from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from denoise_cli.denoisers import classical
from denoise_cli.denoisers.classical import Filter
from denoise_cli.errors import DenoiseError, PictureError, UsageError
from denoise_cli.measure import bench as module
from denoise_cli.measure.apart import apart, forget_peak, peak_megabytes
from denoise_cli.measure.bench import Row, Terms, bench
from denoise_cli.measure.plot import plot
from denoise_cli.measure.quality import psnr, ssim
from denoise_cli.measure.sets import clean_set, paired_set, read, read_pair


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two flat pictures."""
    place = tmp_path / "flat"
    place.mkdir()
    for number in range(2):
        Image.new("RGB", (64, 48), (90 * number, 80, 70)).save(place / f"{number}.png")
    return place


def test_psnr_is_of_the_rounded_and_clipped_result() -> None:
    random = np.random.default_rng(0)
    clean = random.integers(0, 256, (30, 20, 3)).astype(np.float32) / 255
    result = clean + random.normal(0, 0.1, clean.shape).astype(np.float32)
    saved = np.clip(np.rint(result * 255), 0, 255).astype(np.uint8)
    expected = peak_signal_noise_ratio(np.rint(clean * 255).astype(np.uint8), saved, data_range=255)
    assert psnr(result, clean) == pytest.approx(expected, abs=1e-9)
    assert psnr(clean, clean + 0.4 / 255) == float("inf")


def test_ssim_is_one_for_equals_and_falls_with_noise() -> None:
    clean = np.random.default_rng(0).random((30, 30, 3)).astype(np.float32)
    assert ssim(clean, clean) == pytest.approx(1)
    assert ssim(clean[::-1], clean) < 0.5


def test_bench_tells_the_level_and_measures_the_noisy_pictures_too(folder: Path) -> None:
    seen: list[tuple[str, str, int]] = []
    rows = bench(["nlm"], [clean_set(folder)], Terms([10, 25]), lambda *where: seen.append(where))
    assert [(row.set, row.model, row.sigma, row.pictures) for row in rows] == [
        ("flat", "noisy", 10, 2), ("flat", "nlm", 10, 2), ("flat", "noisy", 25, 2), ("flat", "nlm", 25, 2),
    ]  # fmt: skip
    assert seen == [("nlm", "flat", 0), ("nlm", "flat", 1)] * 2
    noisy, cleaned = rows[2], rows[3]
    assert noisy.psnr == pytest.approx(20.3, abs=0.7)
    assert cleaned.psnr > noisy.psnr + 8
    assert cleaned.ssim > noisy.ssim
    assert cleaned.megapixels_per_second is not None
    assert cleaned.megapixels_per_second > 0
    assert cleaned.seconds is not None
    assert cleaned.seconds > 0
    assert cleaned.share is None
    assert noisy.megapixels_per_second is None


def test_networks_get_a_share_of_the_machines_rate(folder: Path, toy_weights: Path) -> None:
    row = bench([str(toy_weights)], [clean_set(folder)], Terms([25]))[1]
    assert row.share is not None
    assert 0 < row.share < 5


def test_what_would_take_too_long_is_left_out(folder: Path, tmp_path: Path) -> None:
    larger = tmp_path / "larger"
    larger.mkdir()
    Image.new("RGB", (640, 480)).save(larger / "0.png")
    pictures = [clean_set(folder / "0.png"), clean_set(larger)]
    rows = bench(["nlm"], pictures, Terms([25], longest=0))
    assert [(row.set, row.psnr is None) for row in rows if row.model == "nlm"] == [("0.png", False), ("larger", True)]
    assert rows[-1].note.startswith("would take")


class Greedy(Filter):
    def into(self, result: object, pixels: object, request: object) -> None:
        raise MemoryError


def test_too_little_memory_is_a_note(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tv = classical.build("tv")
    monkeypatch.setattr(module, "load", lambda model, **options: Greedy(tv.card, tv.size, tv.run))
    row = list(module._measure("tv", [clean_set(folder)], Terms([25])))[-1]
    assert isinstance(row, Row)
    assert (row.psnr, row.note) == (None, "not enough memory")


def test_memory_is_limited_to_what_is_free() -> None:
    if not Path("/proc/meminfo").is_file():
        pytest.skip("the system does not tell")
    assert list(apart(wanting_too_much)) == ["refused"]


def wanting_too_much() -> Iterator[str]:
    try:
        all_there_is = int(Path("/proc/meminfo").read_text().split()[1]) * 1024
        np.empty(all_there_is, np.uint8)
    except MemoryError:
        yield "refused"


def test_the_peak_can_be_forgotten() -> None:
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("the system cannot")
    before, after = apart(forgetting)
    assert before - after == pytest.approx(300, abs=30)


def forgetting() -> Iterator[float | None]:
    held = np.ones(300 * 10**6, np.uint8)
    del held
    yield peak_megabytes()
    forget_peak()
    yield peak_megabytes()


def test_blind_denoisers_are_not_told_the_level(tmp_path: Path) -> None:
    """On a checkerboard, which wavelets take for noise, the estimate is far off, and so is the result."""
    board = np.indices((64, 64)).sum(axis=0) % 2 * 80 + 80
    Image.fromarray(np.repeat(board[:, :, None], 3, axis=2).astype(np.uint8)).save(tmp_path / "board.png")
    told, blind = (bench(["nlm"], [clean_set(tmp_path)], Terms([5], blind=blind))[1].psnr for blind in (False, True))
    assert told > blind + 3


def test_bench_takes_real_pairs_as_they_are(folder: Path, tmp_path: Path) -> None:
    shots = tmp_path / "shots"
    shots.mkdir()
    for path in sorted(folder.iterdir()):
        noisy = np.asarray(Image.open(path)) + np.random.default_rng(0).normal(0, 9, (48, 64, 3))
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(shots / path.name)
    rows = bench(["gaussian"], [paired_set(str(shots), str(folder))], Terms([25]))
    assert [(row.model, row.sigma, row.pictures) for row in rows] == [("noisy", None, 2), ("gaussian", None, 2)]
    assert rows[1].psnr > rows[0].psnr + 3


def test_peak_memory_is_that_of_the_work(tmp_path: Path) -> None:
    if peak_megabytes() is None:
        pytest.skip("the system does not tell")
    small, large = (next(apart(holding, size)) for size in (0, 300))
    assert small is not None
    assert large is not None
    assert large - small == pytest.approx(300, abs=30)


def holding(megabytes: int) -> Iterator[float | None]:
    held = np.ones(megabytes * 10**6, np.uint8)
    yield peak_megabytes()
    del held


def failing() -> Iterator[int]:
    yield 1
    raise PictureError("x.png is broken")


class OddError(Exception):
    """Of a kind that does not come out of a pickle again."""

    def __init__(self, name: str, number: int) -> None:
        super().__init__(f"{name} {number}")


def failing_oddly() -> Iterator[int]:
    yield 1
    raise OddError("x", 2)


def vanishing() -> Iterator[int]:
    import os

    yield 1
    os._exit(9)


def test_errors_come_back_from_another_process() -> None:
    pieces = apart(failing)
    assert next(pieces) == 1
    with pytest.raises(PictureError, match=r"x\.png is broken"):
        next(pieces)
    with pytest.raises(RuntimeError, match="OddError: x 2"):
        list(apart(failing_oddly))


def test_a_process_that_vanishes_is_told() -> None:
    with pytest.raises(DenoiseError, match="ended by the system"):
        list(apart(vanishing))


def test_folders_pair_by_name_and_patterns_by_order(folder: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    for name in ("0.denoised.jpg", "1.jpg"):
        Image.new("RGB", (64, 48)).save(results / name)
    by_name = paired_set(str(results), str(folder))
    assert [path.name for path in by_name.clean] == ["0.png", "1.png"]
    by_order = paired_set(f"{results}/*.jpg", f"{folder}/*.png")
    assert by_order.noisy == by_name.noisy
    assert by_order.name == "flat"
    with pytest.raises(UsageError, match="numbers of pictures differ: 2 and 1"):
        paired_set(f"{results}/*.jpg", str(folder / "0.png"))
    Image.new("RGB", (64, 48)).save(results / "2.png")
    with pytest.raises(UsageError, match=r"2\.png has no picture of the same name"):
        paired_set(str(results), str(folder))


def test_one_name_in_two_formats_pairs_by_format(tmp_path: Path) -> None:
    clean, results = tmp_path / "clean", tmp_path / "results"
    for place in (clean, results):
        place.mkdir()
        for name in ("x.jpg", "x.png"):
            Image.new("RGB", (64, 48)).save(place / name)
    pairs = paired_set(str(results), str(clean))
    assert [path.name for path in pairs.clean] == [path.name for path in pairs.noisy] == ["x.jpg", "x.png"]
    Image.new("RGB", (64, 48)).save(clean / "x.denoised.png")
    assert paired_set(str(results), str(clean)) == pairs
    Image.new("RGB", (64, 48)).save(results / "x.webp")
    with pytest.raises(UsageError, match=r"x\.webp has several pictures of the same name"):
        paired_set(str(results), str(clean))


def test_of_two_float_pictures_the_clean_one_says_what_is_white(tmp_path: Path) -> None:
    clean = np.linspace(0, 254, 64 * 48, dtype=np.float32).reshape(48, 64)
    noisy = clean + np.random.default_rng(0).normal(0, 25, clean.shape).astype(np.float32)
    tifffile.imwrite(tmp_path / "clean.tif", clean)
    tifffile.imwrite(tmp_path / "noisy.tif", noisy)
    first, second = read_pair(tmp_path / "noisy.tif", tmp_path / "clean.tif")
    assert psnr(first, second) == pytest.approx(
        peak_signal_noise_ratio(clean, noisy.clip(0, 255), data_range=255), abs=0.1
    )


def test_only_files_of_one_picture_are_measured(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "stack.tif", np.zeros((3, 20, 20), np.uint8), photometric="minisblack")
    with pytest.raises(PictureError, match="holds 3 pictures"):
        read_pair(tmp_path / "stack.tif", tmp_path / "stack.tif")


def test_what_is_no_number_counts_as_black() -> None:
    pixels = np.full((12, 12, 1), 0.5, np.float32)
    pixels[0, 0], pixels[0, 1] = np.nan, np.inf
    clean = np.nan_to_num(pixels, posinf=1.0)
    assert psnr(pixels, clean) == float("inf")


def test_pairs_of_different_sizes_are_named(tmp_path: Path) -> None:
    first, second = tmp_path / "a.png", tmp_path / "b.png"
    Image.new("RGB", (64, 48)).save(first)
    Image.new("L", (64, 48)).save(second)
    with pytest.raises(PictureError, match=r"64 x 48 with 3 channels, but .*b\.png is 64 x 48 with 1 channels"):
        read_pair(first, second)


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder with pictures"):
        clean_set(tmp_path)


def test_pictures_too_small_for_ssim_are_named(tmp_path: Path) -> None:
    Image.new("RGB", (10, 40)).save(tmp_path / "small.png")
    with pytest.raises(PictureError, match=r"small\.png is smaller than 11"):
        bench([], [clean_set(tmp_path)], Terms([25]))


def test_the_plot_is_a_picture(tmp_path: Path) -> None:
    rows = [
        Row("a", 25, "noisy", 2, 20.3, 0.4),
        Row("a", 25, "median", 2, 24.3, 0.6, 0.2, 5.0),
        Row("a", 25, "bm3d", 2, note="would take 30 minutes a picture"),
        Row("b", None, "noisy", 2, 33, 0.9),
    ]
    plot(rows, tmp_path / "plot.png")
    assert Image.open(tmp_path / "plot.png").width > 1000


def test_results_beside_their_pictures_are_not_measured(tmp_path: Path) -> None:
    for name in ("a.png", "a.denoised.png", "b.denoised.png"):
        Image.new("L", (20, 20)).save(tmp_path / name)
    (tmp_path / ".hidden").mkdir()
    Image.new("L", (20, 20)).save(tmp_path / ".hidden" / "c.png")
    assert [path.name for path in clean_set(tmp_path).clean] == ["a.png", "b.denoised.png"]


def test_the_psnr_of_equals_is_null_in_json() -> None:
    row = Row("set", 0.0, "median", 1, psnr=float("inf"))
    assert row.facts()["psnr"] is None


def test_samples_that_are_no_numbers_take_no_part(tmp_path: Path) -> None:
    picture = np.full((32, 32), 0.5, np.float32)
    picture[3, 4], picture[9, 9] = np.nan, 3.4e38
    tifffile.imwrite(tmp_path / "a.tif", picture)
    assert np.array_equal(read(tmp_path / "a.tif"), np.full((32, 32, 1), 0.5, np.float32))
