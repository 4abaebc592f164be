"""Fitting a picture into a format it did not come from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from denoise_cli.errors import PictureError
from denoise_cli.images.codec import Codec
from denoise_cli.images.exif import orientation, upright
from denoise_cli.images.image import Image, Mode, PixelFormat, Pixels, Samples

BROADER: dict[Mode, Mode] = {"palette": "rgb", "bilevel": "gray"}


def fitting(image: Image, codec: Codec) -> Image:
    """The same picture with a pixel format that `codec` holds; unchanged where it comes from that format.

    Depth is reduced where the format has less. Where EXIF is lost with its orientation, the pixels are turned instead.
    Raises PictureError where something would be lost that cannot be spared: transparency, CMYK, further channels, size.
    """
    if image.baggage is not None and image.baggage.format == codec.name:
        return image
    name, form, alpha = codec.name.upper(), image.format, image.alpha
    height, width, channels = image.shape
    if codec.side is not None and max(height, width) > codec.side:
        raise PictureError(f"is {width}x{height} pixels, of which {name} holds {codec.side} a side; write PNG or TIFF")
    if form.mode in ("cmyk", "channels") and form.mode not in codec.modes:
        kind = "in CMYK" if form.mode == "cmyk" else f"a picture of {channels} channels"
        raise PictureError(f"is {kind}, which {name} cannot hold; write TIFF instead")
    if alpha is not None and not codec.alpha:
        if not (alpha >= _opaque(alpha, form)).all():
            raise PictureError(f"has transparency, which {name} cannot hold; write PNG, TIFF or WebP instead")
        alpha = None
    target = _target(form, codec, alpha is not None)
    pixels = image.source
    if alpha is not None and image.premultiplied:
        pixels = _divided(image.pixels, alpha, _opaque(alpha, form))
    if alpha is not None and target is not form:
        scaled = alpha.astype(np.float64) * (target.largest / _opaque(alpha, form))
        alpha = np.clip(np.rint(np.nan_to_num(scaled)), 0, target.largest).astype(target.dtype)
    if not codec.exif and image.baggage is not None:
        turn = orientation(image.baggage.metadata().exif)
        if turn != 1:
            pixels, alpha = upright(pixels[:, :], turn), None if alpha is None else upright(alpha, turn)
    return replace(image, source=pixels, format=target, alpha=alpha, premultiplied=False)


def _target(form: PixelFormat, codec: Codec, with_alpha: bool) -> PixelFormat:
    """The format nearest to `form` among those that the codec holds, all of which have gray and colour."""
    mode = form.mode
    # Only PNG has palettes and pixels of one bit with transparency, and what comes from PNG is no PNG here.
    if mode in BROADER and (with_alpha or mode not in codec.modes):
        mode = BROADER[mode]
    if mode == "palette":
        return PixelFormat.integer(mode, 8, colors=form.colors)
    if mode == "bilevel":
        return PixelFormat.integer(mode, 1)
    if form.dtype.kind == "f" and codec.floats:
        return form
    deep = form.dtype.kind != "u" or form.bits > 8
    return PixelFormat.integer(mode, 16 if deep and 16 in codec.bits else 8, inverted=mode == "cmyk")


def _opaque(alpha: Samples, form: PixelFormat) -> float:
    """The alpha of what is not transparent at all. Floats may be scaled like the colours, or not."""
    return form.white if form.dtype.kind == "f" and alpha.max() > 1 else form.largest


def _divided(pixels: Pixels, alpha: Samples, opaque: float) -> Pixels:
    """Pixels without the alpha that they were multiplied by; black where it is 0."""
    share = (alpha / opaque).astype(np.float32)[:, :, None]
    return np.divide(pixels, share, out=np.zeros_like(pixels), where=share > 0)
