"""Formats are told by content, names by suffix; and no picture is kept longer than it must be."""

from __future__ import annotations

import io
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from denoise_cli.errors import PictureError, UsageError
from denoise_cli.images import formats
from denoise_cli.images.codec import SaveOptions
from denoise_cli.images.image import Image
from tests.images.helpers import noise, read, saved, write

NAMES = ("png", "jpeg", "tiff", "webp", "bmp", "pnm")


def file_of(name: str) -> bytes:
    return write(read(saved(Pillow.fromarray(noise(7, 13, 3)), "PNG")), name)


@pytest.mark.parametrize("name", NAMES)
def test_the_content_tells_the_format(name):
    assert formats.read(io.BytesIO(file_of(name))).format == name
    assert formats.by_name(name).name == name


@pytest.mark.parametrize(
    ("path", "name"),
    [("a.png", "png"), ("a.b.JPG", "jpeg"), ("a.jpeg", "jpeg"), ("x/a.Tif", "tiff"), ("a.tiff", "tiff"),
     ("a.webp", "webp"), ("a.bmp", "bmp"), ("a.ppm", "pnm"), ("a.pgm", "pnm"), ("a.pam", "pnm")],
)  # fmt: skip
def test_the_suffix_tells_the_format_to_write(path, name):
    assert formats.by_suffix(Path(path)).name == name
    assert Path(path).suffix.lower() in formats.SUFFIXES


@pytest.mark.parametrize(
    ("path", "words"), [("a.gif", r"a\.gif: \.gif stands for no"), ("a", "a: the name has no suffix")]
)
def test_other_suffixes_are_the_users_mistake(path, words):
    with pytest.raises(UsageError, match=words):
        formats.by_suffix(Path(path))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("white", [None, 100.0])
def test_a_picture_that_was_read_is_kept_by_nobody_but_the_reader(name, white):
    opened = formats.read(io.BytesIO(file_of(name)), white)
    image = next(opened.images)
    source = weakref.ref(image.source)
    assert source() is not None
    del image
    assert source() is None
    assert next(opened.images, None) is None


@pytest.mark.parametrize("name", NAMES)
def test_pixels_are_gone_before_the_file_is_written(name):
    """At their place are the samples by then, or what the encoder made of them."""
    codec = formats.by_name(name)
    (image,) = read(file_of(name))
    source: list[Any] = [weakref.ref(image.source)]
    images = [image]
    del image
    assert source[0]() is not None

    class Watching(io.BytesIO):
        alive: bool | None = None

        def write(self, data: Any) -> int:
            if name == "tiff" and Watching.alive is None and len(data) < 7 * 13:  # its header comes first of all
                return super().write(data)
            Watching.alive = bool(Watching.alive) or source[0]() is not None
            return super().write(data)

    def stream() -> Iterator[Image]:
        while images:
            yield images.pop()

    codec.write(Watching(), stream(), SaveOptions())
    assert Watching.alive is False


def test_a_result_of_many_pages_is_written_while_it_comes():
    """Only one page is in memory at a time."""
    alive: list[Any] = []

    def stream() -> Iterator[Image]:
        for seed in range(4):
            assert all(page() is None for page in alive)
            ready = [read(saved(Pillow.fromarray(noise(7, 13, 3, seed=seed)), "PNG"))[0]]
            alive.append(weakref.ref(ready[0].source))
            assert alive[-1]() is not None
            yield ready.pop()

    file = io.BytesIO()
    formats.by_name("tiff").write(file, stream(), SaveOptions())
    again = read(file.getvalue())
    for seed, page in enumerate(again):
        np.testing.assert_array_equal(np.rint(page.pixels * 255), noise(7, 13, 3, seed=seed))


def test_a_stack_is_read_page_by_page():
    """A page is gone when the next one is there, if nobody else keeps it."""
    pages = [read(saved(Pillow.fromarray(noise(7, 13, 3, seed=seed)), "PNG"))[0] for seed in range(4)]
    images, before = formats.read(io.BytesIO(write(pages, "tiff"))).images, None
    for seed in range(4):
        image = next(images)
        assert before is None or before() is None
        np.testing.assert_array_equal(np.rint(image.pixels * 255), noise(7, 13, 3, seed=seed))
        before = weakref.ref(image.source)
        del image


def test_words_for_a_file_begin_with_a_verb():
    with pytest.raises(PictureError, match=r"^is not a picture"):
        read(b"text")
