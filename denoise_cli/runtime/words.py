"""The words for where and how networks compute. No torch here: filters compute alike everywhere, and refuse a wrong one
as networks do.
"""

from __future__ import annotations

import re

from denoise_cli.errors import UsageError

AUTO, OFF = "auto", "off"
DEVICE = re.compile(r"auto|(cpu|cuda|mps)(:(0|[1-9]\d?))?")  # one of several GPUs has a number, as in cuda:1
PRECISIONS = ("fp32", "bf16", "fp16")
SMALLEST, LARGEST = 16, 65536  # tile, in pixels a side


def check_words(device: object, precision: object, tile: object) -> None:
    """Raises UsageError for a word that is none of those that there are."""
    check_device(device)
    check_precision(precision)
    check_tile(tile)


def check_device(name: object) -> None:
    """Raises UsageError for what is no device anywhere; whether this machine has it is not asked."""
    if not DEVICE.fullmatch(str(name)):
        raise UsageError(f"unknown device {name!r}; there are auto, cpu, cuda and mps")


def check_precision(name: object) -> None:
    """Raises UsageError for what is no precision."""
    if name not in (AUTO, *PRECISIONS):
        raise UsageError(f"unknown precision {name!r}; there are {AUTO}, {', '.join(PRECISIONS)}")


def check_tile(choice: object) -> None:
    """Raises UsageError for what is no size of a tile."""
    if choice in (AUTO, OFF) or (str(choice).isdecimal() and SMALLEST <= int(str(choice)) <= LARGEST):
        return
    raise UsageError(f"a tile is auto, off or a number of pixels from {SMALLEST} to {LARGEST}, not {choice!r}")
