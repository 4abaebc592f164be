"""Noise as users write it: a kind and a level or a range of levels."""

from __future__ import annotations

from dataclasses import dataclass

from denoise_cli.errors import UsageError

KINDS = ("gaussian", "poisson", "speckle", "salt-pepper", "camera")
HIGHEST = {"salt-pepper": 100.0}  # per cent; other levels are on the 0..255 scale


@dataclass(frozen=True)
class NoiseRange:
    """A kind of noise and the range its level is drawn from; `synthetic.add_noise` says what levels mean.

    `camera` draws its levels itself.
    """

    kind: str
    low: float = 0.0
    high: float = 0.0

    @classmethod
    def parse(cls, text: str) -> NoiseRange:
        """`gaussian:25`, `gaussian:0-55` or `camera`.

        Raises UsageError when the text is none of these.
        """
        kind, _, levels = text.partition(":")
        if kind not in KINDS:
            raise UsageError(f"unknown kind of noise {kind!r}; there are {', '.join(KINDS)}")
        if kind == "camera":
            if levels:
                raise UsageError(f"camera noise draws its levels itself and takes none, so not {text!r}")
            return cls(kind)
        first, dash, second = levels.partition("-")
        try:
            low = float(first)
            high = float(second) if dash else low
        except ValueError:
            raise UsageError(
                f"noise is given as KIND:LEVEL or KIND:LOW-HIGH, such as gaussian:0-55, not {text!r}"
            ) from None
        highest = HIGHEST.get(kind, 255.0)
        if not 0 <= low <= high <= highest:
            raise UsageError(f"{kind} noise has levels from 0 to {highest:g}, the lower one first, not {levels!r}")
        return cls(kind, low, high)


def parse_mixture(text: str) -> tuple[NoiseRange, ...]:
    """Kinds of noise that are mixed in equal shares, such as `gaussian:0-55+camera`; or just one.

    Raises UsageError.
    """
    return tuple(NoiseRange.parse(part) for part in text.split("+"))
