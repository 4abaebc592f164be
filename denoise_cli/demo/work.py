"""What is done with a picture that was dropped onto the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from denoise_cli.batch.picture import Settings, denoise_image
from denoise_cli.denoisers.noiser import Noiser
from denoise_cli.images.exif import orientation, upright
from denoise_cli.images.formats import by_name, read
from denoise_cli.images.image import Image, PixelFormat, to_samples
from denoise_cli.measure.quality import psnr

Share = Callable[[float], None]  # told of the finished part, 0 to 1
SOURCE, RESULT, BEFORE, AFTER = "source", "result", "before.png", "after.png"


@dataclass(frozen=True)
class Order:
    """The picture in a folder's `source`, and what is wanted.

    `title`: its name; `name`: that of the result. `noise`: is added first.
    """

    folder: Path
    title: str
    name: str
    settings: Settings
    noise: Noiser | None = None


@dataclass(frozen=True)
class Outcome:
    """Facts of the first page. `sigma`: the noise level that was found, 0..255 scale. PSNR in dB, against the picture
    as it was, where noise was added.
    """

    width: int
    height: int
    pages: int
    sigma: float
    psnr_before: float | None = None
    psnr_after: float | None = None


def carry_out(order: Order, share: Share) -> Outcome:
    """Writes the folder's `result`, in its source's format with all that the source has besides pixels; and two PNGs
    to look at, `before.png` and `after.png`.

    Raises PictureError, its text to be put behind the source's name; and what `share` raises.
    """
    outcome: list[Outcome] = []
    with (order.folder / SOURCE).open("rb") as source, (order.folder / RESULT).open("w+b") as target:
        opened = read(source)

        def pages() -> Iterator[Image]:
            for number, image in enumerate(opened.images):

                def progress(done: int, total: int, number: int = number) -> None:
                    share((number + done / total) / opened.count)

                progress(0, 1)
                noisy = image if order.noise is None else replace(image, source=order.noise(image.pixels))
                clean = denoise_image(noisy, order.settings, progress)
                if number == 0:
                    show(noisy, order.folder / BEFORE)
                    show(clean, order.folder / AFTER)
                    outcome.append(_facts(image, noisy, clean, opened.count, order.settings))
                yield clean

        by_name(opened.format).write(target, pages(), replace(order.settings.save, count=opened.count))
    return outcome[0]


def _facts(image: Image, noisy: Image, clean: Image, pages: int, settings: Settings) -> Outcome:
    height, width = image.shape[:2]
    sigma = settings.denoiser.level_of(noisy.source) if settings.sigma is None else settings.sigma
    if noisy is image:
        return Outcome(width, height, pages, sigma)
    original = image.pixels
    before, after = (psnr(other.pixels, original) for other in (noisy, clean))
    return Outcome(width, height, pages, sigma, before, after)


def show(image: Image, path: Path) -> None:
    """A PNG of 8 bits as a browser is to show it: upright, with its colour profile, channels beyond three left out."""
    metadata = None if image.baggage is None else image.baggage.metadata()
    cmyk = image.format.mode == "cmyk"
    samples = to_samples(image.source, PixelFormat.integer("cmyk" if cmyk else "channels", 8, inverted=cmyk))
    samples = upright(samples, orientation(metadata.exif if metadata else None))
    if cmyk:
        picture = Pillow.fromarray(samples, "CMYK").convert("RGB")
    else:
        picture = Pillow.fromarray(
            samples[:, :, 0] if samples.shape[2] < 3 else np.ascontiguousarray(samples[:, :, :3])
        )
    profile = None if metadata is None or cmyk else metadata.icc
    picture.save(path, format="PNG", compress_level=1, icc_profile=profile)
