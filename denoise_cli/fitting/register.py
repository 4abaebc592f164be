"""Frames of one scene, taken by hand: one registered to another, to a fraction of a pixel, where they show the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, maximum_filter, shift

from denoise_cli.images.image import Pixels
from denoise_cli.noise.estimate import NORMAL_MAD

OVERVIEW = 1024  # pixels a side that tell how far whole frames are apart
REACH = 16  # pixels that parts of a frame may move besides
SUBPIXELS = 20  # parts of a pixel that shifts are told in
STILL = 0.1  # pixels that noise may feign; frames that have not moved are better left than interpolated
ALIKE = 0.3  # correlation of outlines from which on a shift is believed
FINE, COARSE = 1.5, 20.0  # pixels: outlines are what lies between, neither noise nor uneven light
ROUGH = 0.87  # deviation of white noise of 1, less its blur by a pixel
OUTLINE = 0.035  # variance of white noise of 1 in an outline
STRUCTURE = 200.0  # times as much as white noise: between what uneven light and wide grain make, and what is seen
SIGNIFICANT = 14.0  # of a shift: chi squared with two degrees of freedom, which noise exceeds once in a thousand times
SMOOTH = 3.0  # pixels over which frames must agree
OUTLIER = 5.0  # standard deviations
GAINS = 0.8, 1.25  # of light that changed by itself; frames that were exposed otherwise are noisy and clipped otherwise


@dataclass(frozen=True)
class Square:
    """A square of a frame."""

    top: int
    left: int
    side: int

    def of(self, frame: Pixels, margin: int = 0) -> Pixels:
        """Its pixels and `margin` more on each side; what lies outside the frame is mirrored."""
        rows = _mirrored(self.top - margin, self.side + 2 * margin, frame.shape[0])
        columns = _mirrored(self.left - margin, self.side + 2 * margin, frame.shape[1])
        pixels: Pixels = frame[rows[:, None], columns]
        return pixels

    def outside(self, frame: Pixels, margin: int = 0) -> np.ndarray | None:
        """Which samples of that lie outside the frame; None if none does."""
        rows, columns = (np.arange(first - margin, first + self.side + margin) for first in (self.top, self.left))
        beyond = [(at < 0) | (at >= length) for at, length in zip((rows, columns), frame.shape, strict=False)]
        there = beyond[0][:, None] | beyond[1]
        return np.broadcast_to(there[:, :, None], (*there.shape, frame.shape[2])) if there.any() else None


def drift(frame: Pixels, other: Pixels) -> tuple[int, int]:
    """How far the scene has moved in `other`: rows and columns, as seen on small versions of both."""
    step = max(1, -(-max(frame.shape[:2]) // OVERVIEW))
    moved, _ = _shift(_shrunk(frame, step), _shrunk(other, step))
    return round(moved[0] * step), round(moved[1] * step)


def registered(
    frame: Pixels, other: Pixels, square: Square, moved: tuple[int, int], *, lost: np.ndarray | None = None
) -> Pixels:
    """`other` as `frame` would have it in a square: `[side, side, channels]`, moved, and in its light.

    `moved` is the whole frames' drift, from which parts may differ by up to 16 pixels; less than a tenth of a pixel is
    taken for none. Where the scene has changed, the result is NaN, and where samples of `other` are `lost`; all of it
    where the square lies outside of `other`, and the channels in which that is exposed otherwise.
    """
    there = Square(square.top + moved[0], square.left + moved[1], square.side)
    ours, theirs = square.of(frame, REACH), there.of(other, REACH)
    (down, across), likeness = _shift(ours, theirs)
    seen = likeness >= ALIKE and max(abs(down), abs(across)) <= REACH
    if not seen:
        if _shows_something(ours) or _shows_something(theirs):
            return np.full_like(ours[REACH:-REACH, REACH:-REACH], np.nan)  # but not the same
        down = across = 0.0  # nothing but sky: the whole frames' drift counts
    inside = slice(REACH, REACH + square.side)
    back = [-move if abs(move) >= STILL else 0.0 for move in (down, across)]
    result = _moved(theirs, back, order=3)[inside, inside]
    ours = ours[inside, inside]
    result = _in_the_light_of(ours, result, gains=seen)
    result[_changed(ours, result)] = np.nan
    if lost is not None:
        result[_moved(there.of(lost, REACH).astype(np.float32), back, order=1)[inside, inside] > 0] = np.nan
    rows = there.top + down + np.arange(square.side)
    columns = there.left + across + np.arange(square.side)
    result[(rows < 0) | (rows > other.shape[0] - 1)] = np.nan
    result[:, (columns < 0) | (columns > other.shape[1] - 1)] = np.nan
    return result


def _moved(pixels: Pixels, by: Sequence[float], *, order: int) -> Pixels:
    """Channel by channel: all three at once would take five times as long, for the same result."""
    return np.stack([shift(channel, by, order=order, mode="nearest") for channel in np.moveaxis(pixels, 2, 0)], axis=2)


def _shift(ours: Pixels, theirs: Pixels) -> tuple[tuple[float, float], float]:
    """How far `theirs` has moved (rows, columns), and how alike both are after that, -1 to 1.

    A shift that makes them no more alike than noise may is none.
    """
    from skimage.registration import phase_cross_correlation

    first, second = _outline(ours), _outline(theirs)
    if not first.any() or not second.any():
        return (0.0, 0.0), 0.0
    back, _, _ = phase_cross_correlation(first, second, upsample_factor=SUBPIXELS, normalization=None)
    still, moved = _likeness(first, second), _likeness(first, shift(second, back, order=1))
    independent = (_window(first.shape) ** 2).sum() / (4 * np.pi * FINE**2)  # samples of noise that FINE has smoothed
    if independent * (moved - still) < SIGNIFICANT * (1 - moved):
        return (0.0, 0.0), still
    return (-float(back[0]), -float(back[1])), moved


def _likeness(first: Pixels, second: Pixels) -> float:
    norm = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / max(norm, 1e-12)


def _outline(pixels: Pixels) -> Pixels:
    """Gray, without noise and uneven light, faded out towards the edges."""
    gray = pixels.mean(axis=2)
    outline: Pixels = (gaussian_filter(gray, FINE) - gaussian_filter(gray, COARSE)) * _window(gray.shape)
    return outline


def _window(shape: tuple[int, ...]) -> Pixels:
    window: Pixels = np.outer(np.hanning(shape[0]), np.hanning(shape[1])).astype(np.float32)
    return window


def _shows_something(pixels: Pixels) -> bool:
    """Whether there is more of an outline than noise makes, white or a little wider."""
    gray = pixels.mean(axis=2)
    rough = gray - gaussian_filter(gray, 1.0)
    sigma = float(np.median(np.abs(rough))) / NORMAL_MAD / ROUGH
    outline = gaussian_filter(gray, FINE) - gaussian_filter(gray, COARSE)
    return float(outline.var()) > STRUCTURE * OUTLINE * sigma**2


def _in_the_light_of(ours: Pixels, theirs: Pixels, *, gains: bool) -> Pixels:
    """With the offset and, where there is something to see, the gain of each channel that bring `theirs` near; a
    channel that takes more than light's changes is NaN.
    """
    smooth = [gaussian_filter(pixels, (SMOOTH, SMOOTH, 0)).reshape(-1, ours.shape[2]) for pixels in (ours, theirs)]
    means = [pixels.mean(axis=0) for pixels in smooth]
    first, second = (pixels - mean for pixels, mean in zip(smooth, means, strict=True))
    power = [np.maximum((pixels**2).sum(axis=0), 1e-12) for pixels in (first, second)]
    # Of deviations: a regression's gain would be too small wherever noise is not small beside what there is to see.
    gain = np.sqrt(power[0] / power[1]) if gains else np.ones_like(power[0])
    gain[(gain < GAINS[0]) | (gain > GAINS[1])] = np.nan
    matched: Pixels = ((theirs - means[1]) * gain + means[0]).astype(np.float32)
    return matched


def _changed(ours: Pixels, theirs: Pixels) -> np.ndarray:
    """Where the scene itself differs: bool `[height, width]`."""
    difference = gaussian_filter(ours - theirs, (SMOOTH, SMOOTH, 0))
    spread = np.median(np.abs(difference), axis=(0, 1)) / NORMAL_MAD
    outside = (np.abs(difference) > OUTLIER * np.maximum(spread, 1e-4)).any(axis=2)
    changed: np.ndarray = maximum_filter(outside, size=round(2 * SMOOTH) + 1)
    return changed


def _shrunk(pixels: Pixels, step: int) -> Pixels:
    height, width = (length // step * step for length in pixels.shape[:2])
    blocks = pixels[:height, :width].reshape(height // step, step, width // step, step, -1)
    shrunk: Pixels = blocks.mean(axis=(1, 3))
    return shrunk


def _mirrored(start: int, count: int, length: int) -> np.ndarray:
    """Positions from `start` on, those outside 0 to `length` mirrored back into it."""
    period = np.abs(np.arange(start, start + count)) % max(1, 2 * (length - 1))
    positions: np.ndarray = np.minimum(period, 2 * (length - 1) - period).clip(0)
    return positions
