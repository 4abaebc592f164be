"""PNG files come back as they were, but for their pixels."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace

import imagecodecs
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageFile, PngImagePlugin

from denoise_cli.errors import PictureError
from denoise_cli.images import png_chunks as chunks_module
from denoise_cli.images.extent import pixels_in
from tests.images.helpers import (
    ICC,
    XMP,
    exif,
    noise,
    opened,
    png_chunk,
    png_chunks,
    read,
    saved,
    through,
    with_png_chunks,
    write,
)

SIZES = [(13, 7), (1, 1), (8, 3)]


def gray_png(samples: np.ndarray, bits: int) -> bytes:
    """A gray PNG of 1, 2 or 4 bits, put together by hand."""
    height, width = samples.shape
    wide = np.unpackbits(samples.astype(np.uint8)[:, :, None], axis=2)[:, :, 8 - bits :].reshape(height, -1)
    rows = np.pad(np.packbits(wide, axis=1), ((0, 0), (1, 0))).tobytes()
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def header_of(data: bytes) -> tuple[int, int, int, int]:
    """Width, height, bits, colour type."""
    return struct.unpack(">IIBB", data[16:26])


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("size", SIZES)
def test_gray_of_few_bits_keeps_its_samples_and_its_depth(bits, size):
    samples = noise(size[1], size[0], below=1 << bits)
    data = gray_png(samples, bits)
    result = through(data)
    assert header_of(result) == header_of(data)
    np.testing.assert_array_equal(imagecodecs.png_decode(result), imagecodecs.png_decode(data))
    assert read(data)[0].pixels.max() == samples.max() / ((1 << bits) - 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", SIZES)
def test_samples_alpha_and_depth_stay(dtype, channels, size):
    samples = noise(size[1], size[0], channels, dtype=dtype)
    samples[:1, :, -1] = 0  # colours under full transparency count too
    data = imagecodecs.png_encode(samples[:, :, 0] if channels == 1 else samples)
    result = through(data)
    assert header_of(result) == header_of(data)
    np.testing.assert_array_equal(imagecodecs.png_decode(result), imagecodecs.png_decode(data))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("transparent", [False, True])
def test_palette_pictures_keep_mode_depth_colours_and_transparency(bits, transparent):
    picture = Pillow.fromarray(noise(7, 13, below=1 << bits))
    picture.putpalette(noise(1 << bits, 3, seed=2).tobytes())
    more = {"transparency": bytes([0, 128, 255, 7][: 1 << bits])} if transparent else {}
    data = saved(picture, "PNG", bits=bits, **more)
    result = through(data)
    assert header_of(result) == header_of(data)
    assert header_of(data)[2:] == (bits, 3)
    assert ("transparency" in opened(result).info) == transparent
    np.testing.assert_array_equal(opened(result).convert("RGBA"), opened(data).convert("RGBA"))


def test_a_palette_with_many_new_colours_keeps_alpha_exactly():
    picture = Pillow.fromarray(noise(40, 50))
    picture.putpalette(noise(256, 3, seed=2).tobytes())
    data = saved(picture, "PNG", transparency=bytes(255 - i // 64 * 80 for i in range(256)))
    image = replace(read(data)[0], source=noise(40, 50, 3, seed=3) / np.float32(255))
    result = opened(write([image], "png"))
    assert result.mode == "P"
    full = np.asarray(result.convert("RGBA"))
    np.testing.assert_array_equal(full[:, :, 3], opened(data).convert("RGBA").getchannel("A"))
    color = full[:, :, :3] / np.float32(255)
    assert 0 < np.abs(color - image.pixels).mean() < 0.1


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_transparent_colour_stays_a_key_and_is_alpha_meanwhile(channels, dtype):
    samples = noise(7, 13, channels, dtype=dtype)
    samples[2, 3:6] = samples[1, 1]
    key = tuple(int(value) for value in samples[1, 1])
    chunk = (b"tRNS", struct.pack(f">{channels}H", *key))
    data = with_png_chunks(imagecodecs.png_encode(samples[:, :, 0] if channels == 1 else samples), chunk)
    image = read(data)[0]
    assert image.pixels.shape == (7, 13, channels)
    assert image.alpha is not None
    assert set(np.unique(image.alpha)) == {0, np.iinfo(dtype).max}
    np.testing.assert_array_equal(image.alpha == 0, (samples == key).all(axis=2))
    result = through(data)
    assert png_chunks(result)[b"tRNS"] == chunk[1]
    assert header_of(result) == header_of(data)
    np.testing.assert_array_equal(imagecodecs.png_decode(result), imagecodecs.png_decode(data))


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_a_transparent_gray_of_few_bits_stays(bits):
    data = with_png_chunks(gray_png(noise(7, 13, below=1 << bits), bits), (b"tRNS", b"\0\1"))
    result = through(data)
    assert header_of(result) == header_of(data)
    np.testing.assert_array_equal(imagecodecs.png_decode(result), imagecodecs.png_decode(data))


def test_only_the_low_bits_of_a_transparent_gray_count():
    """So says the standard; some programs leave rubbish in the others."""
    data = with_png_chunks(imagecodecs.png_encode(np.array([[7, 8], [9, 7]], np.uint8)), (b"tRNS", b"\x55\7"))
    image = read(data)[0]
    assert image.alpha is not None
    assert image.alpha.tolist() == [[0, 255], [255, 0]]


def test_pixels_that_become_the_transparent_colour_are_kept_visible():
    data = with_png_chunks(imagecodecs.png_encode(noise(7, 13, 3)), (b"tRNS", struct.pack(">3H", 0, 10, 20)))
    key = np.array([0, 10, 20], np.float32) / 255
    image = replace(read(data)[0], source=np.broadcast_to(key, (7, 13, 3)))
    assert image.alpha is not None
    assert image.alpha.all()
    result = imagecodecs.png_decode(write([image], "png"))
    np.testing.assert_array_equal(result[:, :, 3], image.alpha)
    np.testing.assert_array_equal(result[:, :, :3], np.broadcast_to(np.array([1, 10, 20], np.uint8), (7, 13, 3)))


def test_interlaced_pictures_are_read():
    data = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000004000000040800000001")  # 4x4, gray, 8 bits, Adam7
    samples = noise(4, 4)
    passes = [(0, 4, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1)]
    rows = b""
    for top, down, left, across in passes:
        part = samples[top::down, left::across]
        rows += b"".join(b"\0" + row.tobytes() for row in part if row.size)
    header = data[16:29]
    data = data[:8] + b"".join(
        png_chunk(*chunk) for chunk in [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    )
    np.testing.assert_array_equal(opened(data), samples)
    np.testing.assert_array_equal(opened(through(data)), samples)


CHUNKS = [
    (b"iCCP", b"My profile\0\0" + zlib.compress(ICC)),
    (b"gAMA", struct.pack(">I", 45455)),
    (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
    (b"sBIT", b"\x07\x07\x07"),
    (b"bKGD", b"\0\1\0\2\0\3"),
    (b"pHYs", struct.pack(">IIB", 11811, 5905, 1)),
    (b"tIME", struct.pack(">HBBBBB", 2024, 2, 29, 12, 30, 1)),
    (b"tEXt", b"Title\0caf\xe9"),
    (b"zTXt", b"Comment\0\0" + zlib.compress(b"long text" * 50)),
    (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
    (b"eXIf", exif(6)),
    (b"prVt", b"private"),
]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_all_other_chunks_stay_byte_for_byte(dtype):
    data = with_png_chunks(imagecodecs.png_encode(noise(7, 13, 3, dtype=dtype)), *CHUNKS)
    result = through(data)
    opened(result)
    found = png_chunks(result)
    for name, body in CHUNKS:
        assert found[name] == body, name
    shared = read(result)[0].baggage.metadata()
    assert (shared.icc, shared.exif, shared.xmp) == (ICC, exif(6), XMP)
    assert shared.dpi == pytest.approx((300, 150), abs=0.1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_exif_and_compressed_xmp_behind_the_pixels_are_found(dtype):
    data = imagecodecs.png_encode(noise(7, 13, 3, dtype=dtype))
    late = [(b"eXIf", exif(3)), (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP))]
    data = data[:-12] + b"".join(png_chunk(*chunk) for chunk in late) + data[-12:]
    shared = read(data)[0].baggage.metadata()
    assert (shared.exif, shared.xmp) == (exif(3), XMP)
    assert png_chunks(through(data))[b"eXIf"] == exif(3)


def test_large_profiles_and_texts_are_no_obstacle():
    """Pillow alone refuses more than a megabyte, and goes on to do so."""
    profile = ICC + noise(2_000_000).tobytes()
    text = b"a" * 2_000_000
    chunks = [(b"iCCP", b"p\0\0" + zlib.compress(profile, 1)), (b"zTXt", b"Comment\0\0" + zlib.compress(text))]
    data = with_png_chunks(imagecodecs.png_encode(noise(7, 13, 3)), *chunks)
    late = png_chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(text))
    data = data[:-12] + late + data[-12:]
    assert read(data)[0].baggage.metadata().icc == profile
    assert pixels_in(io.BytesIO(data)) == 7 * 13
    found = png_chunks(through(data))
    assert [found[name] for name, _ in chunks] == [body for _, body in chunks]
    assert png_chunk(b"iTXt", found[b"iTXt"]) == late
    assert PngImagePlugin.MAX_TEXT_CHUNK == ImageFile.SAFEBLOCK


@pytest.mark.parametrize("profile", [b"rubbish", zlib.compress(bytes(1001))])
def test_a_damaged_or_monstrous_profile_is_carried_and_not_understood(profile, monkeypatch):
    monkeypatch.setattr(chunks_module, "LARGEST_TEXT", 1000)
    body = b"p\0\0" + profile
    data = with_png_chunks(imagecodecs.png_encode(noise(7, 13, 3)), (b"iCCP", body))
    assert read(data)[0].baggage.metadata().icc is None
    assert png_chunks(through(data))[b"iCCP"] == body


def test_a_palette_that_spells_the_name_of_a_chunk_confuses_nobody():
    picture = Pillow.fromarray(noise(7, 13, below=4))
    picture.putpalette(b"12IDAT345678")
    data = with_png_chunks(saved(picture, "PNG"), (b"tEXt", b"Title\0x"))
    result = through(data)
    assert png_chunks(result)[b"tEXt"] == b"Title\0x"
    np.testing.assert_array_equal(opened(result).convert("RGB"), opened(data).convert("RGB"))


def test_what_hangs_on_behind_the_end_is_not_taken_for_chunks():
    data = imagecodecs.png_encode(noise(7, 13)) + png_chunk(b"tEXt", b"Title\0stowaway") + b"PK\3\4" * 9
    assert b"tEXt" not in png_chunks(through(data))


def test_animations_are_refused():
    frames = [Pillow.fromarray(noise(7, 13, seed=seed)) for seed in (1, 2, 3)]
    file = io.BytesIO()
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
    with pytest.raises(PictureError, match=r"^is an animation of 3 frames"):
        read(file.getvalue())


def test_where_pixels_lay_in_the_file_is_not_carried():
    """As Apple's chunk has it."""
    data = with_png_chunks(imagecodecs.png_encode(noise(7, 13, 3)), (b"iDOT", bytes(28)), (b"prVt", b"private"))
    assert {b"iDOT", b"prVt"} & png_chunks(through(data)).keys() == {b"prVt"}
