"""What a folder of noisy pictures is like, and what follows for learning from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np

from denoise_cli.errors import UsageError
from denoise_cli.fitting.channels import of_channels
from denoise_cli.fitting.survey import Survey, frames_of, survey
from denoise_cli.images.image import Pixels
from denoise_cli.measure.sets import pictures
from denoise_cli.noise.estimate import sample_patches
from denoise_cli.noise.measure import NoiseFacts, noise_facts, noise_in_flat_parts

FEW = 1 / 3  # of a folder's frames, which would teach less than all of it
LOOKED_AT = 12  # pictures that speak for a folder's noise
METHODS = ("auto", "n2n", "neighbors", "vst", "profile")
LOSSES = ("auto", "l1", "l2")
VARIED = 1.25  # how many times as strong noise is in the noisiest fourth of pictures as in the least noisy one
CLIPPED = 0.005  # share of clipped samples from which on absolute differences are minimised


@dataclass(frozen=True)
class Wish:
    """What a user leaves to be found out (`auto`) or not.

    `method`: `n2n`, from frames of the same scene; `neighbors`, from within each picture; `vst`, only a curve around
    the network, after which its noise is even; `profile`, no training, only how strongly the network is to act at which
    brightness. `loss`: `l1` or `l2`. `minutes` of training, instead of the recipe's steps. `keep_anyway`: write what
    was learnt even if it does not help. `given`: fields of the recipe that the user has set, and that stay so.
    """

    method: str = "auto"
    loss: str = "auto"
    minutes: float | None = None
    keep_anyway: bool = False
    given: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name, value, known in (("method", self.method, METHODS), ("loss", self.loss, LOSSES)):
            if value not in known:
                raise UsageError(f"no {name} {value!r}; there are {', '.join(known)}")


@dataclass(frozen=True)
class Findings:
    """What a folder holds. `varied`: whether its pictures' noise differs in strength from one to the other."""

    found: Survey
    facts: NoiseFacts
    wish: Wish
    varied: bool = False

    @property
    def squared(self) -> bool:
        """Whether means of noisy targets can be trusted: clipping and impulses move them, but not medians."""
        if self.wish.loss != "auto":
            return self.wish.loss == "l2"
        return self.facts.clipped < CLIPPED and not self.facts.struck

    @property
    def from_scenes(self) -> bool:
        """Whether frames of scenes teach, and single shots do not; two that happen to be alike are no reason for it."""
        frames = self.found.frames
        enough = self.wish.method == "n2n" or len(frames) - len(self.found.singles) > FEW * len(frames)
        return bool(self.found.scenes) and self.wish.method != "neighbors" and enough

    @property
    def wants_curve(self) -> bool:
        """Whether a curve around the network is to be learnt and not the network: of one picture there is too little
        for more, and where noise depends on brightness a curve does most.
        """
        if self.wish.method != "auto":
            return self.wish.method == "vst"
        return len(self.found.frames) == 1 and self.facts.uneven

    def account(self, *, curve: bool = False) -> list[str]:
        """A few lines for whoever took the pictures; `curve`: that one is learnt, not the network."""
        lines = [f"found {self.found}; {self.facts}"]
        if self.varied:
            lines.append("it differs from picture to picture, so it is measured in each")
        if curve:
            lines.append(
                "learning a curve that makes the noise equally strong at every brightness, around the network "
                "as it is (Noise2VST)"
            )
        elif self.wish.method == "profile":
            lines.append("learning nothing but how strongly the network is to act at which brightness")
        elif self.from_scenes:
            lines.append(
                "learning from frames of the same scene: what one shows, another's noise does not (Noise2Noise)"
            )
        else:
            how = "" if self.facts.grain == 1 else f", {self.facts.grain} pixels apart, as the grain is wide"
            lines.append(f"learning from within each picture, from pixels side by side{how} (Neighbor2Neighbor)")
        if not self.squared and self.wish.loss == "auto":
            what = "struck" if self.facts.struck else "clipped"
            lines.append(f"by absolute differences, as pixels are {what} and means would be off")
        return lines


def look(folder: Path, wish: Wish, white: float | None = None, *, channels: int = 3) -> Findings:
    """`white`: see `formats.read`; `channels`: with how many pictures are learnt from.

    Raises UsageError for a folder without pictures, PictureError for one that cannot be read.
    """
    found = survey(pictures(str(folder)), white)
    if wish.method == "n2n" and not found.scenes:
        raise UsageError(f"{folder} has no scene that was taken more than once, so n2n has nothing to learn from")
    frames = found.frames
    chosen = [frames[number] for number in np.unique(np.linspace(0, len(frames) - 1, LOOKED_AT).astype(int))]
    looked_at = [_parts(pixels) for pixels in frames_of(chosen, far=np.nan)]
    facts = noise_facts(list(chain.from_iterable(looked_at)))
    if channels == 1:  # gray noise is weaker; clipped and struck samples are told in colour, before they are mixed
        looked_at = [[of_channels(part, channels) for part in parts] for parts in looked_at]
        gray = noise_in_flat_parts(list(chain.from_iterable(looked_at)))
        facts = replace(gray, clipped=facts.clipped, impulses=facts.impulses)
    return Findings(found, facts, wish, _varied(facts, looked_at))


def _parts(pixels: Pixels) -> list[Pixels]:
    """Patches all over a large picture, of which no dozen would fit into memory; a small one as it is."""
    patches = sample_patches(pixels, multiple=1)
    return [pixels] if patches.size >= pixels.size else list(patches.transpose(0, 2, 3, 1))


def _varied(facts: NoiseFacts, looked_at: Sequence[Sequence[Pixels]]) -> bool:
    """Whether the noise of some pictures is clearly stronger, at equal brightness, than that of others."""
    ratios = []
    for parts in looked_at:
        curve = np.array(noise_in_flat_parts(parts).curve).reshape(-1, 2)
        usual = facts.sigmas_at(curve[:, 0])
        if len(curve) and usual.min() > 0:
            ratios.append(float(np.median(curve[:, 1] / usual)))
    low, high = np.quantile(ratios, (0.25, 0.75)) if ratios else (1.0, 1.0)
    return bool(high > VARIED * low)
