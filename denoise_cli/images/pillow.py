"""What the formats that Pillow reads and writes have in common."""

from __future__ import annotations

import io
import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import BinaryIO

import numpy as np
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from denoise_cli.errors import PictureError
from denoise_cli.images.codec import damaged
from denoise_cli.images.image import Baggage, Image, PixelFormat, Samples, stored, to_samples
from denoise_cli.images.png_chunks import without_texts

logging.getLogger("PIL").addHandler(logging.NullHandler())  # its remarks about odd files are nothing to users
_filters = threading.Lock()  # on the warnings' filters, which all threads share


@contextmanager
def without_warnings() -> Iterator[None]:
    """Nothing of Pillow's about large pictures, which are ordinary here, or odd files.

    One thread at a time, or the last one to leave might put back what another had set; so for a moment only.
    """
    with _filters, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


@contextmanager
def opened(file: BinaryIO, format_name: str) -> Iterator[Pillow.Image]:
    """The picture in `file`, opened by Pillow as that format, its errors turned into sentences.

    Raises PictureError.
    """
    try:
        if format_name.upper() == "PNG":
            file = io.BytesIO(without_texts(file.read()))
        with without_warnings():
            picture = Pillow.open(file, formats=[format_name])
        with picture:
            yield picture
    except PictureError:
        raise
    except Pillow.DecompressionBombError:
        raise PictureError("has more pixels than Pillow opens safely (179 million); save it as TIFF first") from None
    except UnidentifiedImageError:
        raise PictureError(f"is damaged: it begins like {format_name} and does not go on like it") from None
    except Exception as error:  # there is hardly a type of exception that damaged files do not make Pillow raise
        raise damaged(error) from error


def only_still(picture: Pillow.Image) -> None:
    """Raises PictureError for an animation: its frames would be lost."""
    frames = getattr(picture, "n_frames", 1)
    if frames > 1:
        raise PictureError(f"is an animation of {frames} frames; save the frames as single pictures first")


def image_of(picture: Pillow.Image, baggage: Baggage | None, *, colors: int = 256, close: bool = False) -> Image:
    """An Image of a picture that Pillow has opened with 8 bits a sample or fewer.

    `colors`: how many entries a palette of the file's depth has. `close` the picture as soon as its samples are out of
    it, to free its memory for those of the Image.
    """
    mode = picture.mode
    alpha: Samples | None = None
    if mode == "P":
        # Transparent entries of the palette are alpha; the palette itself is made anew on writing.
        transparent = picture.has_transparency_data
        full = np.asarray(picture.convert("RGBA" if transparent else "RGB"))
        if close:
            picture.close()
        color, alpha = full[:, :, :3], full[:, :, 3].copy() if transparent else None
        form = PixelFormat.integer("palette", 8, colors=colors)
        return Image(stored(color, form), form, alpha, baggage)
    samples = np.asarray(picture)
    if close:
        picture.close()
    if mode == "1":
        form = PixelFormat.integer("bilevel", 1)
        return Image(stored(samples, form), form, None, baggage)
    if mode in ("LA", "RGBA"):
        samples, alpha = samples[:, :, :-1], samples[:, :, -1].copy()
    elif mode == "CMYK":
        form = PixelFormat.integer("cmyk", 8, inverted=True)
        return Image(stored(samples, form), form, None, baggage)
    elif mode not in ("L", "RGB"):
        raise PictureError(f"has a colour mode that is not supported ({mode})")
    form = PixelFormat.integer("gray" if mode in ("L", "LA") else "rgb", 8)
    return Image(stored(samples, form), form, alpha, baggage)


def picture_of(samples: Samples, alpha: Samples | None, form: PixelFormat) -> Pillow.Image:
    """A Pillow picture of samples `[height, width, channels]` with 8 bits or fewer."""
    if form.mode == "bilevel":
        return Pillow.fromarray(samples[:, :, 0] > 0)
    if form.mode == "palette":
        return with_palette(samples, alpha, form.colors)
    if alpha is not None:
        samples = np.concatenate([samples, alpha[:, :, None]], axis=2)
    if form.mode == "cmyk":
        return Pillow.fromarray(samples, "CMYK")
    return Pillow.fromarray(samples[:, :, 0] if samples.shape[2] == 1 else np.ascontiguousarray(samples))


def with_key(image: Image, key: tuple[int, ...]) -> Image:
    """The same picture, the pixels of a colour being transparent."""
    hidden = (to_samples(image.source, image.format) == key).all(axis=2)
    return replace(image, alpha=np.where(hidden, 0, image.format.largest).astype(image.format.dtype))


def keep_clear_of(key: tuple[int, ...], samples: Samples, alpha: Samples) -> None:
    """Moves visible pixels that came out as the transparent colour one step away from it; hidden ones get it."""
    taken = (samples == key).all(axis=2) & (alpha > 0)
    samples[taken, 0] = key[0] - 1 if key[0] else 1
    samples[alpha == 0] = key


def with_palette(color: Samples, alpha: Samples | None, colors: int) -> Pillow.Image:
    """A palette picture of RGB samples with a palette made for it; alpha is kept exactly.

    So are colours, if there are no more than `colors`. Else the entries are shared out among the levels of alpha by how
    many pixels have each, every level getting one at least, and none more than it has colours; within a level they are
    chosen by median cut.
    """
    exact = _with_exact_palette(color, alpha, colors)
    if exact is not None:
        return exact
    height, width = color.shape[:2]
    levels, level_of, counts = np.unique(
        np.full((height, width), 255, np.uint8) if alpha is None else alpha, return_inverse=True, return_counts=True
    )
    level_of = level_of.reshape(height, width)
    colors = max(colors, len(levels))
    packed = color.astype(np.uint32) @ np.array([1, 1 << 8, 1 << 16], np.uint32)
    distinct = np.bincount(np.unique(packed | level_of.astype(np.uint32) << 24) >> 24)
    share = _shares(counts.tolist(), distinct.tolist(), colors)
    indices = np.zeros((height, width), np.uint8)
    palette: list[int] = []
    transparency = bytearray()
    for number, (level, entries) in enumerate(zip(levels, share, strict=True)):
        here = level_of == number
        strip = Pillow.fromarray(np.ascontiguousarray(color[here][None]))
        few = strip.quantize(int(entries), method=Pillow.Quantize.MEDIANCUT, dither=Pillow.Dither.NONE)
        first = len(transparency)
        used = int(np.asarray(few).max()) + 1
        indices[here] = np.asarray(few)[0] + first
        palette += (few.getpalette() or [])[: 3 * used]
        transparency += bytes([int(level)] * used)
    return _indexed(indices, bytes(palette), None if alpha is None else bytes(transparency))


def _shares(counts: list[int], most: list[int], total: int) -> list[int]:
    """Shares of a total by counts, one at least and no more than `most` each."""
    shares = [1] * len(counts)
    while (left := total - sum(shares)) > 0 and (
        wanting := [number for number, share in enumerate(shares) if share < most[number]]
    ):
        pixels = sum(counts[number] for number in wanting)
        for number in sorted(wanting, key=lambda number: -counts[number]):
            fair = max(1, left * counts[number] // pixels)
            shares[number] += min(fair, most[number] - shares[number], total - sum(shares))
    return shares


def _with_exact_palette(color: Samples, alpha: Samples | None, colors: int) -> Pillow.Image | None:
    """A palette picture with the very colours; None if they are too many."""
    full = np.full((*color.shape[:2], 4), 255, np.uint8)
    full[:, :, :3] = color
    if alpha is not None:
        full[:, :, 3] = alpha
    found = Pillow.fromarray(full).getcolors(colors)  # gives up at once when there are more
    if found is None:
        return None
    table = np.array([entry for _, entry in found], np.uint8)
    packed = table.view(np.uint32)[:, 0]
    order = np.argsort(packed)
    indices = np.searchsorted(packed[order], full.view(np.uint32)[:, :, 0]).astype(np.uint8)
    table = table[order]
    return _indexed(indices, table[:, :3].tobytes(), None if alpha is None else table[:, 3].tobytes())


def _indexed(indices: Samples, palette: bytes, transparency: bytes | None) -> Pillow.Image:
    picture = Pillow.fromarray(indices)
    picture.putpalette(palette)  # turns "L" into "P"
    if transparency is not None:
        picture.info["transparency"] = transparency
    return picture
