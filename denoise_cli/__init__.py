"""denoise-img: takes noise out of pictures, offline.

    import denoise_cli

    clean = denoise_cli.denoise(noisy)                  # an array, a PIL picture, a path or a URL
    denoiser = denoise_cli.load("photo")                # for many pictures
    cards = denoise_cli.models()                        # what there is

Importing this package imports neither torch nor numpy; using it imports numpy, and networks import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"
DEFAULT_MODEL = "photo"
__all__ = [
    "DEFAULT_MODEL",
    "Denoiser",
    "PictureError",
    "UsageError",
    "WeightsError",
    "__version__",
    "denoise",
    "load",
    "models",
]

if TYPE_CHECKING:
    from denoise_cli.api import Denoiser, PictureError, UsageError, WeightsError, denoise, load, models
else:  # out of type checkers' sight, which would take every misspelt name for one that is there

    def __getattr__(name):
        if name in __all__:
            from denoise_cli import api

            return getattr(api, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return sorted({*globals(), *__all__})
