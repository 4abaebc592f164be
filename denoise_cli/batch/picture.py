"""One file: read, denoised page by page, written in the same format or another."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import BinaryIO, TypeAlias, TypeVar

import numpy as np

from denoise_cli.batch.plan import Job
from denoise_cli.denoisers.denoiser import Denoiser, Progress, Request, check_sigma, check_strength
from denoise_cli.errors import PictureError, UsageError
from denoise_cli.images.codec import Codec, SaveOptions
from denoise_cli.images.convert import fitting
from denoise_cli.images.formats import by_name, by_suffix, check_white, read
from denoise_cli.images.hidden import filled, hidden, restore
from denoise_cli.images.image import Canvas, Image, Pixels, Stored
from denoise_cli.images.overlay import Overlay
from denoise_cli.places.place import Place, identity, reading, replacing, suffix_of

Result = TypeVar("Result")
# What a page goes through: it is given the page and what denoises it, which may put the result in the place of the
# page's samples, and gives the result.
Around: TypeAlias = Callable[[Image, Callable[[Image], Image]], Image]


@dataclass(frozen=True)
class Settings:
    """How pictures are denoised: by what, how strongly (0 to 1), at which noise level, and how they are written.

    `white`: see `formats.read`.
    """

    denoiser: Denoiser
    strength: float = 1.0
    sigma: float | None = None
    white: float | None = None
    save: SaveOptions = field(default_factory=SaveOptions)

    def __post_init__(self) -> None:
        """Raises UsageError for settings that make no sense."""
        check_strength(self.strength)
        check_white(self.white)
        if not 1 <= self.save.quality <= 100:
            raise UsageError(f"quality is a number from 1 to 100, not {self.save.quality}")
        check_sigma(self.denoiser.card, self.sigma)


@dataclass(frozen=True)
class Denoised:
    """Facts of a file that was denoised, all pages together.

    `sigma`: the noise level that was found or given, 0..255 scale, the mean over pages, and over channels that were
    taken one by one; None of denoisers without one, and where there was nothing to do.
    """

    megapixels: float
    sigma: float | None = None


def denoise_image(
    image: Image,
    settings: Settings,
    progress: Progress | None = None,
    *,
    found: Callable[[float], None] | None = None,
    spent: bool = False,
) -> Image:
    """The same picture without noise; transparent and non-finite pixels keep what they hold and harm no neighbour.

    `found`: see `Request`. `spent`: nobody needs the picture any more, so that the result may take the place of its
    samples.
    """
    source = image.source
    if settings.strength == 0 and isinstance(source, Stored) and source.form == image.format:
        mine = spent and source.samples.flags.writeable  # to the last bit, which floats do not hold of all samples
        return replace(image, source=Canvas(source.samples if mine else source.samples.copy(), source.form))
    mask = hidden(image)
    result: Canvas | Pixels
    if not isinstance(source, Stored):
        result = np.empty(image.shape, np.float32)
    elif spent and mask is None and source.form == image.format and source.samples.flags.writeable:
        result = Overlay.over(source)
    else:
        result = Canvas.of(image.shape, image.format)
    noisy = source if mask is None else filled(source, mask)
    settings.denoiser.into(result, noisy, Request(settings.sigma, settings.strength, progress, found))
    if isinstance(result, Canvas):
        result.settle()
    if mask is not None:
        restore(result, source, mask)
    return replace(image, source=result)


def denoise_stream(
    source: BinaryIO,
    target: BinaryIO,
    codec: Codec | None,
    settings: Settings,
    progress: Progress | None = None,
    around: Around | None = None,
) -> Denoised:
    """Denoises one open file into another, in `codec`'s format (None: the source's).

    `progress` counts the pixels of all pages as if each were as large as the one under way. `around` is called with
    each page and with what denoises it, where more is to be done with it than that.
    Raises PictureError, its text to be put behind the file's name, and what `progress` and `around` raise.
    """
    opened = _reading(lambda: read(source, settings.white))
    codec = codec or by_name(opened.format)
    if opened.count > 1 and not codec.many:
        raise PictureError(f"holds {opened.count} pictures and {codec.name.upper()} one; write TIFF instead")
    sizes: list[int] = []
    levels: list[float] = []

    def tell(done: int, total: int) -> None:
        if progress is not None:
            progress((len(sizes) - 1) * total + done, opened.count * total)

    def denoised(image: Image) -> Image:
        return denoise_image(image, settings, tell, found=levels.append, spent=True)

    def clean() -> Iterator[Image]:
        while (image := _reading(lambda: next(opened.images, None))) is not None:
            image = fitting(image, codec)
            sizes.append(image.shape[0] * image.shape[1])
            ready = [denoised(image) if around is None else around(image, denoised)]
            del image
            yield ready.pop()  # nothing is kept here while the picture is written

    codec.write(target, clean(), replace(settings.save, count=opened.count))
    return Denoised(sum(sizes) / 1e6, fmean(levels) if levels else None)


def _reading(action: Callable[[], Result]) -> Result:
    """Errors of the system while a file is read, told from those while another is written."""
    try:
        return action()
    except OSError as error:
        raise PictureError(f"cannot be read ({error.strerror or error})") from error


def denoise_file(
    job: Job, settings: Settings, progress: Progress | None = None, around: Around | None = None
) -> Denoised:
    """Denoises a file into another, atomically; `progress` and `around` are those of `denoise_stream`.

    With the same suffix, or in its place, the result has the source's format, whatever the suffix says. What somebody
    else has changed meanwhile is not replaced.
    Raises PictureError, its text to be put behind the source's name, and what `progress` and `around` raise.
    """
    in_place = identity(job.source) == identity(job.target)
    same = in_place or suffix_of(job.source) == suffix_of(job.target)
    try:
        if isinstance(job.source, Path) and os.path.exists(job.source) and not os.path.isfile(job.source):
            raise PictureError("is not a regular file")
        if isinstance(job.target, Path) and os.path.isdir(job.target):
            raise PictureError(f"has no place for its result: {job.target} is a folder")
        with ExitStack() as both:
            source = _reading(lambda: both.enter_context(reading(job.source)))
            target = both.enter_context(replacing(job.target))
            codec = None if same else by_suffix(job.target)
            before = _version(job.source) if in_place else None
            denoised = denoise_stream(source, target, codec, settings, progress, around)
            if in_place and _version(job.source) != before:
                raise PictureError("was changed while it was denoised; it is left as it is now")
            return denoised
    except OSError as error:
        where, why = job.target.parent, error.strerror or error
        raise PictureError(f"has no place for its result: {where} cannot be written ({why})") from error


def _version(place: Place) -> tuple[int, ...] | None:
    """What tells whether a file is still the same; nothing, where it lies in a store or is gone."""
    if not isinstance(place, Path) or not place.exists():
        return None
    facts = place.stat()
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns
