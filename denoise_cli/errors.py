"""Errors whose text is a sentence for users: what went wrong, with which file, and what to do about it."""

from __future__ import annotations


class DenoiseError(Exception):
    """The base of all errors this package raises on purpose."""


class UsageError(DenoiseError, ValueError):
    """An option or argument that makes no sense, or two that contradict each other."""


class FitError(DenoiseError):
    """A training that brought nothing worth writing."""


class PictureError(DenoiseError, ValueError):
    """A picture that cannot be read or written, or that cannot be kept whole in the format asked for."""


class WeightsError(DenoiseError, ValueError):
    """A weights file that is missing, damaged or of an unknown kind."""


NO_NUMBERS = "has samples that are no numbers"


def reason(error: BaseException) -> str:
    """Why a picture failed, to be put behind its name."""
    if isinstance(error, DenoiseError):
        return str(error)
    if isinstance(error, MemoryError):
        return "needs more memory than there is"
    return f"met an unforeseen error ({type(error).__name__}: {error})"
