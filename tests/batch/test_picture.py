from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

from denoise_cli.batch.picture import Denoised, Settings, denoise_file, denoise_image
from denoise_cli.batch.plan import Job
from denoise_cli.denoisers import classical
from denoise_cli.errors import PictureError
from denoise_cli.images.codec import SaveOptions
from denoise_cli.images.formats import by_name
from denoise_cli.images.image import Image, PixelFormat, Stored
from tests.images.helpers import noise, read, saved, with_png_chunks


def settings(name: str = "mean", **more: object) -> Settings:
    return Settings(classical.build(name), **more)  # type: ignore[arg-type]


def image(pixels: np.ndarray, alpha: np.ndarray | None = None) -> Image:
    return Image(pixels.astype(np.float32), PixelFormat.integer("rgb", 8), alpha)


def test_strength_blends(pixels: np.ndarray) -> None:
    full = denoise_image(image(pixels), settings()).pixels
    half = denoise_image(image(pixels), settings(strength=0.5)).pixels
    none = denoise_image(image(pixels), settings(strength=0.0)).pixels
    assert np.allclose(half, (full + pixels) / 2, atol=1e-6)
    assert np.array_equal(none, pixels)


def test_hidden_colours_do_not_bleed() -> None:
    """Bright pixels under full transparency leave their dark neighbours dark, and stay what they are."""
    pixels = np.full((9, 9, 3), 0.1, np.float32)
    alpha = np.full((9, 9), 255, np.uint8)
    pixels[4, 4], alpha[4, 4] = 1.0, 0
    result = denoise_image(image(pixels, alpha), settings("gaussian")).pixels
    assert np.allclose(result[alpha > 0], 0.1, atol=1e-5)
    assert (result[4, 4] == 1).all()


def test_numbers_that_are_none_stay_and_do_not_spread() -> None:
    pixels = np.full((9, 9, 1), 0.5, np.float32)
    pixels[2, 3], pixels[5, 5] = np.nan, np.inf
    form = PixelFormat("gray", np.dtype(np.float32), 32, 1.0)
    result = denoise_image(Image(pixels, form), settings("gaussian")).pixels
    assert np.isnan(result[2, 3, 0])
    assert np.isinf(result[5, 5, 0])
    assert np.allclose(np.delete(result.ravel(), [2 * 9 + 3, 5 * 9 + 5]), 0.5, atol=1e-5)


def test_every_page_of_a_stack_is_denoised(tmp_path: Path) -> None:
    stack = np.random.default_rng(0).integers(0, 65536, (3, 12, 14)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", stack, photometric="minisblack")
    seen: list[tuple[int, int]] = []
    job = Job(tmp_path / "in.tif", tmp_path / "out.tif")
    denoised = denoise_file(job, settings(), lambda done, total: seen.append((done, total)))
    assert denoised == Denoised(pytest.approx(3 * 12 * 14 / 1e6), None)
    assert seen == [(168 * (page + 1), 3 * 168) for page in range(3)]
    result = tifffile.imread(tmp_path / "out.tif")
    assert result.shape == stack.shape
    assert result.dtype == np.uint16
    for page in range(3):
        expected = classical.build("mean")((stack[page] / np.float32(65535))[:, :, None])[:, :, 0] * 65535
        assert np.abs(result[page] - expected).max() <= 1


def test_a_stack_does_not_fit_into_one_picture(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "in.tif", np.zeros((3, 12, 14), np.uint8), photometric="minisblack")
    with pytest.raises(PictureError, match="holds 3 pictures and PNG one"):
        denoise_file(Job(tmp_path / "in.tif", tmp_path / "out.png"), settings())
    assert not (tmp_path / "out.png").exists()


def test_white_scales_what_the_denoiser_sees(tmp_path: Path) -> None:
    """A 12-bit picture in 16-bit samples: the noise level is relative to the white that is named."""
    dark = np.random.default_rng(0).normal(2000, 100, (40, 40)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", dark)
    results = []
    for number, white in enumerate((None, 4095.0)):
        target = tmp_path / f"{number}.tif"
        denoise_file(Job(tmp_path / "in.tif", target), settings("nlm", sigma=100 / 4095 * 255, white=white))
        results.append(tifffile.imread(target).std())
    assert results[1] < dark.std() / 2
    assert results[0] < results[1]  # sixteen times too strong otherwise


def test_the_same_suffix_keeps_the_format_that_the_content_has(tmp_path: Path) -> None:
    Pillow.new("RGB", (8, 8), (9, 9, 9)).save(tmp_path / "in.jpg", "PNG")
    denoise_file(Job(tmp_path / "in.jpg", tmp_path / "out.jpg"), settings())
    assert Pillow.open(tmp_path / "out.jpg").format == "PNG"


def test_failures_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Pillow.new("RGB", (8, 8)).save(tmp_path / "in.png")
    broken = settings()
    monkeypatch.setattr(classical.Filter, "into", lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        denoise_file(Job(tmp_path / "in.png", tmp_path / "out.png"), broken)
    assert [path.name for path in tmp_path.iterdir()] == ["in.png"]


def test_sentences_for_places_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="cannot be read"):
        denoise_file(Job(tmp_path / "gone.png", tmp_path / "out.png"), settings())
    Pillow.new("RGB", (8, 8)).save(tmp_path / "in.png")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PictureError, match="no place for its result"):
        denoise_file(Job(tmp_path / "in.png", tmp_path / "file" / "out.png"), settings())
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(PictureError, match=r"folder\.png is a folder"):
        denoise_file(Job(tmp_path / "in.png", tmp_path / "folder.png"), settings())
    with pytest.raises(PictureError, match="not a regular file"):
        denoise_file(Job(tmp_path / "folder.png", tmp_path / "out.png"), settings())


def sixteen_bits_with_a_key() -> bytes:
    """A colour that would be transparent is named, and no pixel has it."""
    data = saved(Pillow.fromarray(noise(20, 30, dtype=np.uint16, below=60_000)), "PNG")
    return with_png_chunks(data, (b"tRNS", b"\xff\xff"))


def tiff(samples: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, samples, metadata=None, **options)  # type: ignore[arg-type]
    return file.getvalue()


FILES = {
    "palette.png": lambda: saved(Pillow.fromarray(noise(20, 30, 3)).quantize(200), "PNG"),
    "palette.tif": lambda: saved(Pillow.fromarray(noise(20, 30, 3)).quantize(200), "TIFF"),
    "key.png": sixteen_bits_with_a_key,
    "planes.tif": lambda: tiff(noise(3, 20, 30, dtype=np.uint16), photometric="rgb", planarconfig="separate"),
    "big-endian.tif": lambda: tiff(noise(20, 30, dtype=np.uint16), byteorder=">"),
    "bilevel.png": lambda: saved(Pillow.fromarray(noise(20, 30)).convert("1"), "PNG"),
    "ink.jpg": lambda: saved(Pillow.fromarray(noise(20, 30, 4), "CMYK"), "JPEG"),
    "ink.tif": lambda: saved(Pillow.fromarray(noise(20, 30, 4), "CMYK"), "TIFF"),
    "gray-and-alpha.png": lambda: saved(Pillow.fromarray(noise(20, 30, 2), "LA"), "PNG"),
    "negative.tif": lambda: tiff(noise(20, 30, dtype=np.int16)),
    "photo.webp": lambda: saved(Pillow.fromarray(noise(20, 30, 4)), "WEBP"),
    "drawing.bmp": lambda: saved(Pillow.fromarray(noise(20, 30, 3)).quantize(16), "BMP"),
    "gray.pgm": lambda: saved(Pillow.fromarray(noise(20, 30)), "PPM"),
}


@pytest.mark.parametrize("suffix", ["", ".png", ".tif"])
@pytest.mark.parametrize("name", FILES)
def test_every_kind_of_file_is_denoised(name: str, suffix: str, tmp_path: Path) -> None:
    """As it is, and into PNG and TIFF as far as they hold it, by a filter that makes new colours."""
    source = tmp_path / name
    source.write_bytes(FILES[name]())
    target = tmp_path / f"result{suffix or source.suffix}"
    if suffix == ".png" and name.startswith("ink"):
        with pytest.raises(PictureError, match="CMYK"):
            denoise_file(Job(source, target), settings())
        return
    assert denoise_file(Job(source, target), settings()).megapixels == pytest.approx(20 * 30 / 1e6)
    before, after = (read(path.read_bytes())[0] for path in (source, target))
    assert after.shape[:2] == (20, 30)
    assert after.pixels.std() < before.pixels.std()


def test_alpha_stays_where_it_is_among_further_channels(tmp_path: Path) -> None:
    samples = noise(20, 30, 5)
    (tmp_path / "in.tif").write_bytes(tiff(samples, photometric="rgb", extrasamples=["unassalpha", "unspecified"]))
    denoise_file(Job(tmp_path / "in.tif", tmp_path / "out.tif"), settings())
    result = tifffile.imread(tmp_path / "out.tif")
    assert np.array_equal(result[:, :, 3], samples[:, :, 3])
    for channel in (0, 1, 2, 4):
        assert result[:, :, channel].std() < samples[:, :, channel].std() / 2
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        assert tuple(map(int, file.pages[0].extrasamples)) == (2, 0)


def test_a_value_that_marks_missing_ones_comes_back_as_it_was(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).random((20, 30))
    samples[3, 4] = -1.7976931348623157e308
    tifffile.imwrite(tmp_path / "in.tif", samples)
    denoise_file(Job(tmp_path / "in.tif", tmp_path / "out.tif"), settings())
    result = tifffile.imread(tmp_path / "out.tif")
    assert result[3, 4] == samples[3, 4]
    assert np.isfinite(result).all()


@pytest.mark.parametrize(("channels", "kinds"), [(4, (2, 0)), (5, (0,)), (5, (2,)), (3, (2,))])
def test_files_that_tell_too_few_or_too_many_channels_are_denoised(
    channels: int, kinds: tuple[int, ...], tmp_path: Path
) -> None:
    samples = noise(20, 30, channels)
    told = [2, *[0] * (channels - 4)] if channels > 3 else None
    (tmp_path / "in.tif").write_bytes(tiff(samples, photometric="rgb", extrasamples=told))
    with tifffile.TiffFile(tmp_path / "in.tif", mode="r+b") as file:
        if channels > 3:
            file.pages[0].tags["ExtraSamples"].overwrite(kinds)
    denoise_file(Job(tmp_path / "in.tif", tmp_path / "out.tif"), settings())
    result = tifffile.imread(tmp_path / "out.tif")
    assert result.shape == samples.shape
    if kinds[0] == 2 and channels > 3:
        assert np.array_equal(result[:, :, 3], samples[:, :, 3])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("channels", [1, 3])
def test_packed_samples_come_back_to_the_bit_in_either_order(
    order: str, bits: int, channels: int, tmp_path: Path
) -> None:
    samples = noise(20, 32, channels, dtype=np.uint16, below=1 << bits).squeeze()
    tifffile.imwrite(tmp_path / "plain.tif", samples, photometric="rgb" if channels == 3 else "minisblack")
    (image,) = read((tmp_path / "plain.tif").read_bytes())
    form = replace(image.format, bits=bits, white=float((1 << bits) - 1))
    page = replace(image, source=Stored(image.source.samples, form), format=form)
    page = replace(page, baggage=replace(page.baggage, order=order, compression="NONE"))
    file = io.BytesIO()
    by_name("tiff").write(file, iter([page]), SaveOptions())
    with tifffile.TiffFile(io.BytesIO(file.getvalue())) as tiff_file:
        first = tiff_file.pages[0]
        assert (tiff_file.byteorder, first.bitspersample) == (order, bits)
        start, length = first.dataoffsets[0], first.databytecounts[0]
    digits = np.unpackbits(np.frombuffer(file.getvalue()[start : start + length], np.uint8))
    rows = len(samples)
    values = digits.reshape(-1)[: rows * 32 * channels * bits].reshape(-1, bits) @ (1 << np.arange(bits)[::-1])
    assert np.array_equal(values.reshape(samples.shape), samples)


def test_one_bit_with_alpha_comes_back(tmp_path: Path) -> None:
    samples = noise(20, 32, 2, below=2)
    tifffile.imwrite(
        tmp_path / "in.tif", samples, bitspersample=1, photometric="minisblack", extrasamples=["unassalpha"]
    )
    denoise_file(Job(tmp_path / "in.tif", tmp_path / "out.tif"), settings("median", strength=0.0))
    assert np.array_equal(tifffile.imread(tmp_path / "out.tif"), tifffile.imread(tmp_path / "in.tif"))


def test_palettes_of_sixteen_bits_are_refused(tmp_path: Path) -> None:
    many = np.zeros((3, 65536), np.uint16)
    tifffile.imwrite(tmp_path / "many.tif", noise(20, 32, dtype=np.uint16), photometric="palette", colormap=many)
    with pytest.raises(PictureError, match="more than 8 bits"):
        denoise_file(Job(tmp_path / "many.tif", tmp_path / "x.tif"), settings())


def test_other_inks_than_cmyk_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "in.tif", noise(20, 32, 5), photometric="separated", extratags=[(334, "H", 1, 5, True)])
    with pytest.raises(PictureError, match="5 inks"):
        denoise_file(Job(tmp_path / "in.tif", tmp_path / "x.tif"), settings())


@pytest.mark.parametrize("dtype", [np.uint32, np.int32, np.float64])
def test_strength_zero_changes_no_bit(dtype: type, tmp_path: Path) -> None:
    samples = (noise(20, 30, dtype=np.uint32) / (1 if dtype == np.uint32 else 3)).astype(dtype)
    tifffile.imwrite(tmp_path / "in.tif", samples)
    denoise_file(Job(tmp_path / "in.tif", tmp_path / "out.tif"), settings(strength=0.0))
    assert np.array_equal(tifffile.imread(tmp_path / "out.tif"), samples)


def test_what_a_map_marks_as_missing_stays_and_does_not_spread(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).random((20, 30)).astype(np.float32)
    samples[5:9, 5:20] = -9999
    tifffile.imwrite(tmp_path / "in.tif", samples, extratags=[(42113, "s", 0, "-9999", True)])
    denoise_file(Job(tmp_path / "in.tif", tmp_path / "out.tif"), settings())
    result = tifffile.imread(tmp_path / "out.tif")
    assert np.array_equal(result == -9999, samples == -9999)
    assert result[samples != -9999].min() > 0


def test_in_place_a_link_to_a_file_without_a_suffix_is_no_conversion(tmp_path: Path) -> None:
    blob, link = tmp_path / "4f3a", tmp_path / "photo.jpg"
    blob.write_bytes(saved(Pillow.fromarray(noise(20, 30, 3)), "JPEG"))
    link.symlink_to(blob)
    before = blob.read_bytes()
    denoise_file(Job(link, blob), settings())
    assert blob.read_bytes() != before
    assert Pillow.open(link).format == "JPEG"


def test_in_place_what_was_changed_meanwhile_is_left_as_it_is(tmp_path: Path) -> None:
    path, newer = tmp_path / "a.png", saved(Pillow.fromarray(noise(20, 31, 3)), "PNG")
    path.write_bytes(saved(Pillow.fromarray(noise(20, 30, 3)), "PNG"))
    with pytest.raises(PictureError, match="was changed while it was denoised"):
        denoise_file(Job(path, path), settings(), lambda done, total: path.unlink(missing_ok=True))
    assert list(tmp_path.iterdir()) == []
    path.write_bytes(saved(Pillow.fromarray(noise(20, 30, 3)), "PNG"))

    def progress(done: int, total: int) -> None:
        path.write_bytes(newer)

    with pytest.raises(PictureError, match="was changed while it was denoised"):
        denoise_file(Job(path, path), settings(), progress)
    assert path.read_bytes() == newer
    assert list(tmp_path.iterdir()) == [path]
