"""Denoisers side by side: quality, speed and memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import mean, median
from typing import Any

from denoise_cli.denoisers.denoiser import Denoiser
from denoise_cli.denoisers.memory import arrange_memory
from denoise_cli.images.image import Pixels
from denoise_cli.measure.apart import apart, forget_peak, peak_megabytes
from denoise_cli.measure.peers import is_peer, load
from denoise_cli.measure.quality import finite, psnr, ssim
from denoise_cli.measure.sets import TestSet, read, read_pair
from denoise_cli.measure.speed import RUNS, denoised, multiplication_rate, settled, timed
from denoise_cli.noise.synthetic import add_gaussian

NOISY = "noisy"  # what the rows of the noisy pictures themselves are called


@dataclass(frozen=True)
class Row:
    """One denoiser on one set: means over its pictures, the median time, the peak of memory.

    `sigma`: the level of the noise that was added, None for pictures that had theirs. `share`: of the time that its
    multiply-adds would take at the machine's rate of multiplying matrices. `peak_megabytes`: while it denoised, of a
    process that does nothing else, in 10^6 bytes. `note`: why there are no figures, where there are none. Figures are
    None too for noisy pictures, and where the system or the denoiser has no such thing.
    """

    set: str
    sigma: float | None
    model: str
    pictures: int
    psnr: float | None = None
    ssim: float | None = None
    seconds: float | None = None
    megapixels_per_second: float | None = None
    share: float | None = None
    peak_megabytes: float | None = None
    note: str = ""

    def facts(self) -> dict[str, object]:
        """For JSON, which has no infinite numbers: None for the PSNR of equals."""
        return {**asdict(self), "psnr": finite(self.psnr)}


@dataclass(frozen=True)
class Terms:
    """What is the same for all denoisers; `bench` says what the fields mean."""

    sigmas: Sequence[float]
    seed: int = 0
    blind: bool = False
    longest: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Figures:
    """Of one picture."""

    psnr: float
    ssim: float
    seconds: float
    megapixels: float
    peak_megabytes: float | None
    multiply_adds: float = 0.0


def bench(
    models: Sequence[str],
    sets: Sequence[TestSet],
    terms: Terms,
    tell: Callable[[str, str, int], None] = lambda model, name, number: None,
) -> list[Row]:
    """Every denoiser on every set, at every level where noise is added; the noisy pictures themselves come first.

    Each denoiser works in a process of its own. The options of `terms` are those of `load`. Denoisers that take a noise
    level are told that of the noise that was added, unless `blind`; where there was noise already, they estimate it.
    Where one would need more than `longest` seconds for a picture, as its pace so far has it, it is left out. `tell`
    hears model, set and number of the picture that was finished last.
    Raises PictureError for a picture that cannot be used, UsageError and WeightsError for a model.
    """
    cards = {model: load(model, **terms.options).card for model in models}  # what is wrong with one is told first
    rate = 0.0
    if any(card.macs_per_pixel for card in cards.values()):
        chosen = (str(terms.options.get(name, "auto")) for name in ("device", "precision"))
        rate = next(apart(multiplication_rate, *chosen))
    rows = [piece for piece in _measure(None, sets, terms) if isinstance(piece, Row)]
    for model in models:
        for piece in apart(_measure, model, tuple(sets), terms):
            if not isinstance(piece, Row):
                tell(model, *piece)
            else:
                rows.append(replace(piece, share=piece.share / rate if piece.share and rate else None))
    place = {test_set.name: number for number, test_set in enumerate(sets)}
    return sorted(rows, key=lambda row: (place[row.set], terms.sigmas.index(row.sigma) if row.sigma is not None else 0))


def _measure(model: str | None, sets: Sequence[TestSet], terms: Terms) -> Iterator[Row | tuple[str, int]]:
    """The rows of one model (None: of the noisy pictures), and between them set and number of the picture just done.

    Their `share` is not one yet, but how many multiply-adds there were a second.
    One picture is held in memory at a time.
    """
    denoiser = None if model is None else load(model, **terms.options)
    if denoiser is not None and model is not None and not is_peer(model):  # those are measured as they come
        arrange_memory(denoiser.card)
    pace = 0.0  # seconds a megapixel
    for test_set in sets:
        for sigma in [None] if test_set.noisy else terms.sigmas:
            row = Row(test_set.name, sigma, model or NOISY, len(test_set.clean))
            figures = []
            for number in range(len(test_set.clean)):
                noisy, clean = _pair(test_set, number, sigma, terms.seed)
                expected = pace * _megapixels(clean)
                if terms.longest is not None and expected > terms.longest:
                    row = replace(row, note=f"would take {expected / 60:.0f} minutes a picture")
                    break
                told = None if terms.blind else sigma
                try:
                    figures.append(_figures(denoiser, noisy, clean, told, again=len(test_set.clean) < RUNS))
                except MemoryError:
                    row = replace(row, note="not enough memory")
                    break
                pace = median(one.seconds / one.megapixels for one in figures)
                yield test_set.name, number
            yield row if row.note else _with_figures(row, figures)


def _with_figures(row: Row, figures: Sequence[_Figures]) -> Row:
    row = replace(row, psnr=mean(one.psnr for one in figures), ssim=mean(one.ssim for one in figures))
    if row.model == NOISY:
        return row
    return replace(
        row,
        seconds=median(one.seconds for one in figures),
        megapixels_per_second=median(one.megapixels / one.seconds for one in figures),
        share=median(one.multiply_adds / one.seconds for one in figures),
        peak_megabytes=max((one.peak_megabytes for one in figures if one.peak_megabytes is not None), default=None),
    )


def _pair(test_set: TestSet, number: int, sigma: float | None, seed: int) -> tuple[Pixels, Pixels]:
    """A noisy picture and its clean one. Noise follows from the seed and the picture's number in its set."""
    if sigma is None:
        return read_pair(test_set.noisy[number], test_set.clean[number], test_set.white)
    clean = read(test_set.clean[number], test_set.white)
    return add_gaussian(clean, sigma, seed=seed, number=number), clean


def _figures(denoiser: Denoiser | None, noisy: Pixels, clean: Pixels, sigma: float | None, *, again: bool) -> _Figures:
    """`again`: time it by several runs, as there are few pictures."""
    if denoiser is None:
        return _Figures(psnr(noisy, clean), ssim(noisy, clean), 0, _megapixels(clean), None)
    forget_peak()
    result, seconds = (settled if again else timed)(lambda: denoised(denoiser, noisy, sigma))
    peak, channels = peak_megabytes(), noisy.shape[2]
    runs = 1 if channels in (1, denoiser.card.channels) else channels  # channel by channel
    multiply_adds = 1e6 * _megapixels(clean) * runs * (denoiser.card.macs_per_pixel or 0)
    return _Figures(psnr(result, clean), ssim(result, clean), seconds, _megapixels(clean), peak, multiply_adds)


def _megapixels(pixels: Pixels) -> float:
    return float(pixels.shape[0] * pixels.shape[1] / 1e6)
