"""The classical filters: scipy's and scikit-image's, on any number of channels, without torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from denoise_cli.denoisers.card import Card
from denoise_cli.denoisers.denoiser import BAND, Denoiser, Request, as_number, blended, check_sigma, copy_into
from denoise_cli.errors import UsageError
from denoise_cli.images.image import Canvas, Pixels, Stored
from denoise_cli.noise.estimate import estimate_sigma
from denoise_cli.runtime import tiles

Run = Callable[[Pixels, float, float], Pixels]


@dataclass(frozen=True)
class Filter(Denoiser):
    """A classical filter. `size`: 0 if it has none. `run` takes pixels, size and sigma (1.0 = white)."""

    card: Card
    size: float
    run: Run

    def into(self, result: Pixels | Canvas, pixels: Pixels | Stored, request: Request) -> None:
        check_sigma(self.card, request.sigma)
        level, given = 0.0, self.card.level == "given"
        if given:
            sigma = self.level_of(pixels) if request.sigma is None else request.sigma
            if request.found is not None:
                request.found(sigma)
            level = request.strength * sigma / 255
            if level == 0:
                return copy_into(result, pixels)
        height, width = pixels.shape[:2]
        radius = self.card.radius
        band = None if radius is None else (BAND + 2 * radius, width)
        bands = tiles.plan(height, width, tile=band, margin=radius or 0)

        def run(part: Pixels) -> Pixels:
            clean: Pixels = np.asarray(self.run(part, self.size, level), np.float32)
            return clean if given else blended(clean, part, request.strength)

        tiles.apply(run, pixels, bands, result, request.progress)

    def level_of(self, pixels: Pixels | Stored) -> float:
        return estimate_sigma(pixels)


def median(pixels: Pixels, size: float, sigma: float) -> Pixels:
    """Each sample becomes the median of the `size` x `size` pixels around it, in each channel by itself."""
    from scipy.ndimage import median_filter

    result: Pixels = median_filter(pixels, size=(int(size), int(size), 1), mode="nearest")
    return result


def mean(pixels: Pixels, size: float, sigma: float) -> Pixels:
    """Each sample becomes the mean of the `size` x `size` pixels around it, in each channel by itself."""
    from scipy.ndimage import correlate1d

    taps = np.full(int(size), 1 / int(size))  # a running sum would lose all that comes after a very large sample
    result: Pixels = correlate1d(correlate1d(pixels, taps, axis=0, mode="nearest"), taps, axis=1, mode="nearest")
    return result


def gaussian(pixels: Pixels, size: float, sigma: float) -> Pixels:
    """A blur by a Gaussian of `size` pixels' standard deviation, cut off at four of them, in each channel by itself."""
    from scipy.ndimage import gaussian_filter

    result: Pixels = gaussian_filter(
        pixels, sigma=(size, size, 0), mode="nearest", radius=(_reach(size), _reach(size), 0)
    )
    return result


def nlm(pixels: Pixels, size: float, sigma: float) -> Pixels:
    """Non-local means (Buades et al. 2005) with scikit-image's fast summation (Darbon et al. 2008)."""
    from skimage.restoration import denoise_nl_means

    height, width, channels = pixels.shape
    # It gives nonsense for pictures that are smaller than its window.
    larger = np.pad(pixels, ((0, max(0, 17 - height)), (0, max(0, 17 - width)), (0, 0)), mode="symmetric")
    result: Pixels = denoise_nl_means(
        larger[:, :, 0] if channels == 1 else larger,
        patch_size=5,
        patch_distance=6,
        h=0.6 * sigma,  # this and both sizes are those of scikit-image's own example for the fast way with sigma
        sigma=sigma,
        fast_mode=True,
        channel_axis=None if channels == 1 else -1,
    )
    return result.reshape(larger.shape)[:height, :width]


def tv(pixels: Pixels, size: float, sigma: float) -> Pixels:
    """Total variation (Rudin et al. 1992) by Chambolle's algorithm (2004)."""
    from skimage.restoration import denoise_tv_chambolle

    # The weight counts in sample values, as sigma does.
    result: Pixels = denoise_tv_chambolle(pixels, weight=sigma, channel_axis=-1)
    return result


def wavelet(pixels: Pixels, size: float, sigma: float) -> Pixels:
    """Wavelet shrinkage with a threshold for each band (BayesShrink, Chang et al. 2000)."""
    from skimage.restoration import denoise_wavelet

    if min(pixels.shape[:2]) < 4:
        return np.array(pixels)  # too small to have bands
    color = pixels.shape[2] == 3
    result: Pixels = denoise_wavelet(
        pixels, sigma=sigma, method="BayesShrink", convert2ycbcr=color, rescale_sigma=True, channel_axis=-1
    )
    return result


def bilateral(pixels: Pixels, size: float, sigma: float) -> Pixels:
    """The bilateral filter (Tomasi & Manduchi 1998); colours are compared as a whole, other channels one by one."""
    from skimage.restoration import denoise_bilateral

    if pixels.shape[2] not in (1, 3):
        return np.concatenate([bilateral(one, size, sigma) for one in np.split(pixels, pixels.shape[2], 2)], axis=2)
    # scikit-image scales colour distances wrongly where values are negative, so the darkest is made 0.
    low = pixels.min()
    plain = (pixels[:, :, 0] if pixels.shape[2] == 1 else pixels) - low
    result: Pixels = denoise_bilateral(
        plain,
        win_size=2 * _reach(1.5) + 1,
        sigma_color=(2.0 if plain.ndim == 2 else 0.75) * sigma,  # the best of several on held-out photos
        sigma_spatial=1.5,
        mode="edge",
        channel_axis=None if plain.ndim == 2 else -1,
    )
    result = result.reshape(pixels.shape) + low
    return result


def _reach(deviation: float) -> int:
    """Where a Gaussian is cut off, in pixels."""
    return max(1, round(4 * deviation))


# Name, summary, function, default size (0: none) and the radius at a size (None: it sees the whole picture).
# Bilateral's window has 13 pixels a side, but its table of weights by colour spans the values of all it is given.
_FILTERS: tuple[tuple[str, str, Run, float, Callable[[float], int] | None], ...] = (
    ("median", "median of a window; salt-and-pepper noise", median, 3, lambda size: int(size) // 2),
    ("gaussian", "Gaussian blur", gaussian, 1, _reach),
    ("mean", "moving average over a window", mean, 3, lambda size: int(size) // 2),
    ("nlm", "non-local means, scikit-image", nlm, 0, lambda size: 5 // 2 + 6 + 1),
    ("tv", "total variation, scikit-image", tv, 0, None),
    ("wavelet", "wavelet shrinkage, scikit-image", wavelet, 0, None),
    ("bilateral", "bilateral filter, scikit-image", bilateral, 0, None),
)  # fmt: skip
NAMES = tuple(entry[0] for entry in _FILTERS)


def build(name: str, size: float | None = None) -> Filter:
    """The classical filter of that name.

    Raises UsageError for a size that it cannot have, TypeError for one that is no number.
    """
    _, summary, run, default, radius = next(entry for entry in _FILTERS if entry[0] == name)
    if size is not None and not default:
        raise UsageError(f"{name} has no size; it works from the noise level, which --sigma sets")
    chosen = default if size is None else as_number("size", size)
    if name in ("median", "mean") and not (0 < chosen < 100 and chosen % 2 == 1):
        raise UsageError(f"{name}'s size is the edge of its window, an odd number of pixels up to 99, not {chosen:g}")
    if name == "gaussian" and not 0 < chosen <= 50:
        raise UsageError(f"gaussian's size is a standard deviation above 0 and up to 50 pixels, not {chosen:g}")
    card = Card(name, "classical", summary, "none" if default else "given", radius=radius and radius(chosen))
    return Filter(card, chosen, run)
