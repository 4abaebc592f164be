"""What is done with a picture that was dropped onto the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from denoise_cli.batch.picture import Settings, denoise_file, denoise_image
from denoise_cli.batch.plan import Job
from denoise_cli.denoisers.noiser import Noiser
from denoise_cli.images.exif import orientation, upright
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
    """Size and PSNR are those of the first page, PSNR in dB, against the picture as it was, where noise was added.

    `sigma`: see `Denoised`.
    """

    width: int
    height: int
    pages: int
    sigma: float | None
    psnr_before: float | None = None
    psnr_after: float | None = None


def carry_out(order: Order, share: Share) -> Outcome:
    """Writes the folder's `result`, in its source's format with all that the source has besides pixels; and two PNGs
    to look at, `before.png` and `after.png`.

    Raises PictureError, its text to be put behind the source's name; and what `share` raises.
    """
    sizes: list[tuple[int, int]] = []
    ratios: list[float] = []
    reached = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal reached
        reached = done / total
        share(reached)

    def around(image: Image, denoised: Callable[[Image], Image]) -> Image:
        sizes.append(image.shape[:2])
        noisy = image if order.noise is None else denoise_image(image, Settings(order.noise), lambda *_: share(reached))
        if len(sizes) > 1:
            return denoised(noisy)
        show(noisy, order.folder / BEFORE)
        if order.noise is not None:
            ratios.append(psnr(noisy.pixels, image.pixels))
        clean = denoised(noisy)  # whose samples may be in the place of the noisy ones
        show(clean, order.folder / AFTER)
        if order.noise is not None:
            ratios.append(psnr(clean.pixels, image.pixels))
        return clean

    share(reached)
    found = denoise_file(Job(order.folder / SOURCE, order.folder / RESULT), order.settings, progress, around)
    height, width = sizes[0]
    return Outcome(width, height, len(sizes), found.sigma, *ratios)


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
