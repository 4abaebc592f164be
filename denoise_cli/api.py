"""The public functions of the package."""

from __future__ import annotations

import os
from collections.abc import Mapping
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, TypeVar, Union, overload

import numpy as np
from PIL import Image as Pillow

from denoise_cli import DEFAULT_MODEL
from denoise_cli.batch.picture import Settings, denoise_file, denoise_image
from denoise_cli.batch.plan import make_plan
from denoise_cli.denoisers import catalogue
from denoise_cli.denoisers.card import Card
from denoise_cli.denoisers.catalogue import load
from denoise_cli.denoisers.denoiser import Denoiser, Progress, as_number
from denoise_cli.errors import PictureError, UsageError, WeightsError
from denoise_cli.images.codec import SaveOptions
from denoise_cli.images.image import Image, PixelFormat, Samples, stored, to_samples, white_of
from denoise_cli.images.pillow import image_of, keep_clear_of, picture_of, with_key
from denoise_cli.places.manifest import SUFFIXES as LISTS
from denoise_cli.places.place import exists, is_folder, place, suffix_of, writable

if TYPE_CHECKING:
    from typing_extensions import Unpack  # typing has it from Python 3.11 on

__all__ = ["Denoiser", "PictureError", "UsageError", "WeightsError", "denoise", "load", "models"]

Model: TypeAlias = Union[str, "os.PathLike[str]", Denoiser]
Shape = TypeVar("Shape", bound="tuple[int, ...]")
DType = TypeVar("DType", bound="np.dtype[Any]")
SIXTEEN_BITS_OR_FLOATS = ("I;16", "I;16L", "F")
MODES = {"1", "L", "LA", "P", "RGB", "RGBA", "CMYK", *SIXTEEN_BITS_OR_FLOATS}


class Options(TypedDict, total=False):
    """What `denoise` takes by name, for type checkers; it says what they mean."""

    overwrite: bool
    strength: float
    sigma: float | None
    white: float | None
    quality: int
    size: float | None
    device: str
    precision: str
    tile: str | int
    progress: Progress | None


class FileOptions(Options, total=False):
    """What it takes with a path."""

    output: str | os.PathLike[str] | None


def models() -> list[Card]:
    """The cards of all bundled denoisers."""
    return catalogue.cards()


@overload
def denoise(image: str, model: Model = ..., **options: Unpack[FileOptions]) -> str: ...
@overload
def denoise(image: os.PathLike[str], model: Model = ..., **options: Unpack[FileOptions]) -> Path: ...
@overload
def denoise(image: Pillow.Image, model: Model = ..., **options: Unpack[Options]) -> Pillow.Image: ...
@overload
def denoise(
    image: np.ndarray[Shape, DType], model: Model = ..., **options: Unpack[Options]
) -> np.ndarray[Shape, DType]: ...
def denoise(
    image: str | os.PathLike[str] | Pillow.Image | Samples,
    model: Model = DEFAULT_MODEL,
    *,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    strength: float = 1.0,
    sigma: float | None = None,
    white: float | None = None,
    quality: int = 95,
    size: float | None = None,
    device: str = "auto",
    precision: str = "auto",
    tile: str | int = "auto",
    progress: Progress | None = None,
) -> str | Path | Pillow.Image | Samples:
    """Takes the noise out of one picture and gives the same kind of thing back.

    `image`, one of these:
    - An array `[height, width]` or `[height, width, channels]` of integers (white: the type's largest; of more than 16
      bits what the brightest are near) or floats (white: 1.0, unless its values plainly say otherwise); `white` says it
      of both. Two and four channels are gray and colour with alpha. The result is a new array of that shape and dtype.
      Pixels of NaN are kept, and so is the colour under an alpha of 0; neither harms its neighbours.
    - A PIL picture. The result is a new one of that mode and size.
    - The path of a file of any supported format, or as text a URL, whose result is written to `output`: a file, or a
      folder if it is one or ends in a slash (default: `NAME.denoised.EXT` beside it). Given back is where it lies, text
      for text and a Path for other paths.

    `model`: a name, a weights file, or what `load` gave; `size`, `device`, `precision` and `tile` are those of `load`.
    `strength`: 0 leaves the picture as it is, 1 denoises in full. `sigma`: the noise level, 0 to 255, for models that
    take it. `quality`, 1 to 100: of JPEG and lossy WebP files. `progress(done, total)` is called with pixels now and
    then.

    Raises UsageError, PictureError or WeightsError, all of them ValueErrors; TypeError for an argument of a wrong type;
    FileExistsError where the result is there already and `overwrite` is not set; MemoryError; OSError where a store
    does not answer.
    """
    if not isinstance(image, (str, os.PathLike, np.ndarray, Pillow.Image)):
        raise TypeError(f"image is a numpy array, a PIL picture, or a file's path or URL, not {_kind(image)}")
    if output is not None and isinstance(image, (np.ndarray, Pillow.Image)):
        raise UsageError("output is for paths; the result of an array or a picture is returned")
    settings = Settings(
        _denoiser(model, {"size": size, "device": device, "precision": precision, "tile": tile}),
        as_number("strength", strength),
        sigma,
        None if white is None else as_number("white", white),
        SaveOptions(_quality(quality)),
    )
    if isinstance(image, (str, os.PathLike)):
        return _file(image, output, settings, progress, overwrite=overwrite)
    try:
        if isinstance(image, np.ndarray):
            return _array(image, settings, progress)
        return _picture(image, settings, progress)
    except PictureError as error:
        what = "array" if isinstance(image, np.ndarray) else "picture"
        raise PictureError(f"the {what} {_in_python(error)}") from error


def _denoiser(model: Model, options: Mapping[str, Any]) -> Denoiser:
    if not isinstance(model, Denoiser):
        return load(model, **options)
    if late := [name for name, value in options.items() if value not in (None, "auto")]:
        raise UsageError(f"load() takes {', '.join(late)}, and has made this denoiser already")
    return model


def _quality(quality: object) -> int:
    """Raises TypeError for what is no whole number."""
    if not isinstance(quality, Integral):
        raise TypeError(f"quality is a whole number from 1 to 100, not {_kind(quality)}")
    return int(quality)


def _kind(value: object) -> str:
    return type(value).__name__


def _in_python(error: PictureError) -> str:
    """What the command line says, with the option's name here."""
    return str(error).replace("--white", "white=")


def _file(
    image: str | os.PathLike[str],
    output: str | os.PathLike[str] | None,
    settings: Settings,
    progress: Progress | None,
    *,
    overwrite: bool,
) -> str | Path:
    """Of a path or URL, that of its result."""
    if output is not None and not isinstance(output, (str, os.PathLike)):
        raise TypeError(f"output is a path or URL, not {_kind(output)}")
    source, wanted = place(image), None if output is None else place(output)
    if is_folder(source) or suffix_of(source) in LISTS:
        raise UsageError(f"{image} is no picture; denoise() takes one, the command line takes folders and lists")
    if wanted is None and not writable(source):
        raise UsageError(f"{image} can only be read; say with output= where its result goes")
    into_folder = output is not None and os.fspath(output).endswith("/")
    plan = make_plan([source], wanted, into_folder=into_folder, overwrite=True)
    target = plan.jobs[0].target
    if not isinstance(image, str) and not isinstance(target, Path):
        raise UsageError(f"{target} is a URL, which no path object holds: give the picture's path as text, too")
    if exists(target) and not overwrite:
        raise FileExistsError(f"{target} is there already; overwrite=True replaces it")
    try:
        denoise_file(plan.jobs[0], settings, progress)
    except PictureError as error:
        raise PictureError(f"{image} {_in_python(error)}") from error
    return target if isinstance(target, Path) and not isinstance(image, str) else str(target)


def _array(array: Samples, settings: Settings, progress: Progress | None) -> Samples:
    if isinstance(array, np.ma.MaskedArray):  # whose masked values would spread, and whose mask would be lost
        floats, hint = ("", "") if array.dtype.kind == "f" else (".astype(float)", "; white= says what is white then")
        raise UsageError(
            f"image is a masked array: fill it with NaN (image{floats}.filled(np.nan)), which denoise() keeps{hint}"
        )
    if array.ndim not in (2, 3) or array.dtype.kind not in "uif" or 0 in array.shape:
        raise UsageError(
            "an array must be [height, width] or [height, width, channels] of integers or floats, "
            f"not {list(array.shape)} of {array.dtype}"
        )
    color, alpha = (
        (array, None) if array.ndim == 2 or array.shape[2] not in (2, 4) else (array[..., :-1], array[..., -1])
    )
    bits = 8 * array.dtype.itemsize
    told = array.dtype.kind in "ui" and bits <= 16
    white = settings.white or (float(np.iinfo(array.dtype).max) if told else white_of(color))
    form = PixelFormat("channels", array.dtype, bits, white)
    result = to_samples(denoise_image(Image(stored(color, form), form, alpha), settings, progress).source, form)
    if alpha is not None:
        result = np.concatenate([result, alpha[..., None]], axis=2)
    return result.reshape(array.shape).astype(array.dtype, copy=False)  # joined arrays have the machine's byte order


def _picture(picture: Pillow.Image, settings: Settings, progress: Progress | None) -> Pillow.Image:
    if 0 in picture.size:
        raise UsageError(f"a picture of {picture.width} x {picture.height} pixels has none")
    if picture.mode not in MODES:
        way = (
            "denoise np.asarray(picture) instead"
            if picture.mode[0] == "I"
            else "convert it to L, LA, RGB or RGBA first"
        )
        raise PictureError(f"has a mode that is not supported ({picture.mode}); {way}")
    _complete(picture)
    key = _key(picture)
    if picture.mode in SIXTEEN_BITS_OR_FLOATS:
        result = Pillow.fromarray(_array(np.asarray(picture), settings, progress))
    elif key is not None:
        result = _with_key(picture, key, settings, progress)
    else:
        image = denoise_image(image_of(picture, None), settings, progress)
        result = picture_of(to_samples(image.source, image.format), image.alpha, image.format)
    result.info = {**picture.info, **result.info}
    return result


def _complete(picture: Pillow.Image) -> None:
    """Reads what Pillow has only opened so far. Raises PictureError."""
    try:
        picture.load()
    except MemoryError:
        raise
    except Exception as error:  # there is hardly a type of exception that damaged files do not make Pillow raise
        reason = f" ({error})" if str(error) else ""
        raise PictureError(f"cannot be read: its file is damaged, cut short or closed{reason}") from error


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
