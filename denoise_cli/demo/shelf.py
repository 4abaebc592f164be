"""The denoisers that the page offers."""

from __future__ import annotations

import threading

from denoise_cli.denoisers.card import Card
from denoise_cli.denoisers.catalogue import GRAY, cards, load
from denoise_cli.denoisers.denoiser import Denoiser
from denoise_cli.errors import UsageError

DIGITS = "mnist-"  # how the names of networks for handwritten digits begin


class Shelf:
    """Those of the catalogue, each loaded when it is first asked for. No path is one, or a page could open files."""

    def __init__(self, device: str = "auto") -> None:
        self._device = device
        self._loaded: dict[str, Denoiser] = {}
        self._lock = threading.Lock()
        self.cards = {card.name: card for card in cards() if not card.name.endswith(GRAY)}

    def get(self, name: str) -> Denoiser:
        """Raises UsageError for a name that is not offered."""
        if name not in self.cards:
            raise UsageError(f"there is no model {name!r}; there are {', '.join(self.cards)}")
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = load(name, device=self._device)
            return self._loaded[name]

    @staticmethod
    def for_digits(card: Card) -> bool:
        """Whether a denoiser has learnt from handwritten digits and is of no use for anything else."""
        return card.name.startswith(DIGITS)
