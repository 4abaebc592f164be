"""The public functions of the package."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from PIL import Image as Pillow

from denoise_cli import DEFAULT_MODEL
from denoise_cli.batch.picture import Settings, denoise_file, denoise_image
from denoise_cli.batch.plan import make_plan
from denoise_cli.denoisers import catalogue
from denoise_cli.denoisers.card import Card
from denoise_cli.denoisers.catalogue import load
from denoise_cli.denoisers.denoiser import Denoiser, Progress
from denoise_cli.errors import PictureError, UsageError
from denoise_cli.images.codec import SaveOptions
from denoise_cli.images.image import Image, PixelFormat, Samples, stored, to_samples, white_of_floats
from denoise_cli.images.pillow import image_of, keep_clear_of, picture_of, with_key
from denoise_cli.places.manifest import SUFFIXES as LISTS
from denoise_cli.places.place import local

__all__ = ["denoise", "load", "models"]

Kind = TypeVar("Kind", np.ndarray, Pillow.Image, Path, str)


def models() -> list[Card]:
    """The cards of all bundled denoisers."""
    return catalogue.cards()


def denoise(
    image: Kind,
    model: str | os.PathLike[str] | Denoiser = DEFAULT_MODEL,
    *,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    strength: float = 1.0,
    sigma: float | None = None,
    white: float | None = None,
    quality: int = 95,
    progress: Progress | None = None,
    **options: Any,
) -> Kind:
    """Takes the noise out of one picture and gives the same kind of thing back.

    `image`: an array `[height, width]` or `[height, width, channels]` of integers (white: the type's largest) or
    floats (white: 1.0, unless its values plainly say otherwise or `white` does), two and four channels being gray and
    colour with alpha; a PIL picture; or the path of a file of any supported format, whose result is written to
    `output` (default: `NAME.denoised.EXT` beside it) and its path returned.

    `model`: a name, a weights file, or what `load` gave; `options` are those of `load`. `strength`: 0 leaves the
    picture as it is, 1 denoises in full. `sigma`: the noise level, 0 to 255, for models that take it.
    `progress(done, total)` is called with pixels now and then.

    Raises UsageError, PictureError or WeightsError, all of them ValueErrors; FileExistsError where the result is there
    already and `overwrite` is not set.
    """
    if isinstance(model, (str, os.PathLike)):
        denoiser = load(model, **options)
    elif options:
        raise UsageError(f"{', '.join(options)} belong to load(), which has made this denoiser already")
    else:
        denoiser = model
    settings = Settings(denoiser, strength, sigma, white, SaveOptions(quality))
    if isinstance(image, (np.ndarray, Pillow.Image)) and output is not None:
        raise UsageError("output is for paths; the result of an array or a picture is returned")
    if isinstance(image, np.ndarray):
        return _array(image, settings, progress)
    if isinstance(image, Pillow.Image):
        return cast(Any, _picture(image, settings, progress))  # type: ignore[no-any-return]
    if Path(image).is_dir() or Path(image).suffix.lower() in LISTS:
        raise UsageError(f"{image} is no picture; denoise() takes one, the command line takes folders and lists")
    target = None if output is None else local(os.fspath(output))
    plan = make_plan([Path(image)], target, overwrite=True)
    if plan.jobs[0].target.exists() and not overwrite:
        raise FileExistsError(f"{plan.jobs[0].target} is there already; overwrite=True replaces it")
    try:
        denoise_file(plan.jobs[0], settings, progress)
    except PictureError as error:
        raise PictureError(f"{image} {error}") from error
    return type(image)(str(plan.jobs[0].target))


def _array(array: Samples, settings: Settings, progress: Progress | None) -> Samples:
    if array.ndim not in (2, 3) or array.dtype.kind not in "uif" or 0 in array.shape:
        raise UsageError(
            "an array must be [height, width] or [height, width, channels] of integers or floats, "
            f"not {list(array.shape)} of {array.dtype}"
        )
    color, alpha = (
        (array, None) if array.ndim == 2 or array.shape[2] not in (2, 4) else (array[..., :-1], array[..., -1])
    )
    floats = array.dtype.kind == "f"
    white = settings.white or (white_of_floats(color) if floats else float(np.iinfo(array.dtype).max))
    bits = 8 * array.dtype.itemsize
    form = PixelFormat("channels", array.dtype, bits, white)
    result = to_samples(denoise_image(Image(stored(color, form), form, alpha), settings, progress).source, form)
    if alpha is not None:
        result = np.concatenate([result, alpha[..., None]], axis=2)
    return result.reshape(array.shape)


def _picture(picture: Pillow.Image, settings: Settings, progress: Progress | None) -> Pillow.Image:
    if 0 in picture.size:
        raise UsageError(f"a picture of {picture.width} x {picture.height} pixels has none")
    key = _key(picture)
    if picture.mode in ("I;16", "I;16L", "F"):
        result = Pillow.fromarray(_array(np.asarray(picture), settings, progress))
    elif key is not None:
        result = _with_key(picture, key, settings, progress)
    else:
        image = denoise_image(image_of(picture, None), settings, progress)
        result = picture_of(to_samples(image.source, image.format), image.alpha, image.format)
    result.info = {**picture.info, **result.info}
    return result


def _key(picture: Pillow.Image) -> tuple[int, ...] | None:
    """The colour that is transparent; that of a file of 16 bits is none of those that Pillow has made of it."""
    key = picture.info.get("transparency") if picture.mode in ("L", "RGB") else None
    values = (key,) if isinstance(key, int) else tuple(key or ())
    return values if values and max(values) <= 255 else None


def _with_key(
    picture: Pillow.Image, key: tuple[int, ...], settings: Settings, progress: Progress | None
) -> Pillow.Image:
    """Of a picture in which one colour is transparent; so are the same pixels of the result, and no others."""
    image = denoise_image(with_key(image_of(picture, None), key), settings, progress)
    samples = to_samples(image.source, image.format)
    if image.alpha is not None:
        keep_clear_of(key, samples, image.alpha)
    return picture_of(samples, None, image.format)
