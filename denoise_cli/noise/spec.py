"""Noise as users write it: a kind and a level or a range of levels."""

from __future__ import annotations

from dataclasses import dataclass

from denoise_cli.errors import UsageError

KINDS = ("gaussian",)


@dataclass(frozen=True)
class NoiseRange:
    """A kind of noise and the range its level is drawn from, on the 0..255 scale."""

    kind: str
    low: float
    high: float

    @classmethod
    def parse(cls, text: str) -> NoiseRange:
        """`gaussian:25` or `gaussian:0-55`.

        Raises UsageError when the text is neither.
        """
        kind, _, levels = text.partition(":")
        first, dash, second = levels.partition("-")
        try:
            low = float(first)
            high = float(second) if dash else low
        except ValueError:
            raise UsageError(
                f"noise is given as KIND:LEVEL or KIND:LOW-HIGH, such as gaussian:0-55, not {text!r}"
            ) from None
        if kind not in KINDS:
            raise UsageError(f"unknown kind of noise {kind!r}; there are {', '.join(KINDS)}")
        if not 0 <= low <= high:
            raise UsageError(f"noise levels run upwards from 0 or more, not {levels!r}")
        return cls(kind, low, high)
