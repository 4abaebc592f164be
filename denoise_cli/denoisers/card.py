"""The Card: the facts of a denoiser."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from denoise_cli.errors import WeightsError

Family = Literal["classical", "network"]
# What a denoiser does with a noise level: it takes none, judges it from the picture itself, or is told it.
Level = Literal["none", "blind", "given"]
LARGEST_COUNT, LARGEST_PSNR = 1 << 63, 1000  # larger counts and decibels make no sense


@dataclass(frozen=True)
class Card:
    """The facts of a denoiser. A network's card is stored inside its weights file.

    `channels`: 1 gray, 3 colour, 0 any number. `radius`: how far, in pixels, an output pixel sees; None if everywhere,
    and then it is never tiled. `multiple`: what height and width are padded to a multiple of.
    `psnr`: decibels by test set and noise level, such as `{"CBSD68": {"25": 31.2}}`.
    `sha256`: of the tensors, in the order of their names.
    """

    name: str
    family: Family
    summary: str
    level: Level
    channels: int = 0
    radius: int | None = None
    multiple: int = 1
    architecture: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    noise: str = ""
    parameters: int = 0
    macs_per_pixel: int = 0
    training: str = ""
    command: str = ""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    psnr: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    sha256: str = ""

    def to_json(self) -> str:
        return json.dumps(_printable(asdict(self)), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Card:
        """Raises WeightsError unless the text is a card that makes sense; it may come from a stranger's file."""
        try:
            facts = _printable(json.loads(text))
            json.dumps(facts, allow_nan=False)  # Python reads numbers that are infinite or none, which JSON has not
        except (ValueError, RecursionError):
            raise WeightsError("has a card that is not JSON") from None
        kinds: dict[str, type | tuple[type, ...]] = {
            "str": str, "Family": str, "Level": str, "int": int, "int | None": (int, type(None)),
            "Mapping[str, Any]": dict, "Mapping[str, Mapping[str, float]]": dict,
        }  # fmt: skip
        known = {f.name: kinds[str(f.type)] for f in fields(cls)}
        if not isinstance(facts, dict) or not {"name", "family", "summary", "level"} <= facts.keys():
            raise WeightsError("has a card that lacks the facts that every card has")
        for name, value in facts.items():
            if name in known and not _fits(value, known[name]):
                raise WeightsError(f"has a card whose {name!r} makes no sense: {value!r}")
        if not all(_are_levels(levels) for levels in facts.get("psnr", {}).values()):
            raise WeightsError(f"has a card whose 'psnr' makes no sense: {facts['psnr']!r}")
        if facts["family"] not in get_args(Family) or facts["level"] not in get_args(Level):
            raise WeightsError(f"has a card of a family or level that is unknown: {facts['family']}, {facts['level']}")
        # Facts that a later version added are left out rather than refused.
        return cls(**{name: value for name, value in facts.items() if name in known})


def _fits(value: Any, kind: type | tuple[type, ...]) -> bool:
    return isinstance(value, kind) and (not isinstance(value, int) or 0 <= value < LARGEST_COUNT)


def _are_levels(levels: Any) -> bool:
    return isinstance(levels, dict) and all(
        isinstance(value, (int, float)) and abs(value) < LARGEST_PSNR for value in levels.values()
    )


def _printable(value: Any) -> Any:
    """The same, its texts without what is no text (half a character, a name's wrong bytes) or commands a terminal."""
    if isinstance(value, str):
        return "".join("\ufffd" if unicodedata.category(sign) in ("Cc", "Cs") else sign for sign in value)
    if isinstance(value, Mapping):
        return {_printable(name): _printable(part) for name, part in value.items()}
    return [_printable(part) for part in value] if isinstance(value, (list, tuple)) else value
