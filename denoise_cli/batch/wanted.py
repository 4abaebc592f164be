"""What a user asks for, before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from denoise_cli.batch.picture import Settings
from denoise_cli.images.codec import SaveOptions


@dataclass(frozen=True)
class Wanted:
    """How pictures are to be denoised, in words, which can be sent to other machines. `weights`: a file's content."""

    model: str
    weights: bytes | None = None
    size: float | None = None
    device: str = "auto"
    precision: str = "auto"
    tile: str = "auto"
    strength: float = 1.0
    sigma: float | None = None
    white: float | None = None
    quality: int = 95

    def portable(self) -> Wanted:
        """The same for machines that have no weights but the package's. Raises UsageError for an unknown model."""
        from denoise_cli.denoisers import classical
        from denoise_cli.denoisers.catalogue import shipped, weights_file

        if self.model in classical.NAMES or shipped(self.model):
            return self
        path = weights_file(self.model)
        return replace(self, model=path.name, weights=path.read_bytes())

    def settings(self) -> Settings:
        """With the denoiser loaded, and freed memory kept for it. Raises UsageError or WeightsError."""
        if self.weights is None:
            return self._settings(self.model)
        with TemporaryDirectory() as folder:
            path = Path(folder, self.model)
            path.write_bytes(self.weights)
            return self._settings(str(path))

    def _settings(self, model: str) -> Settings:
        from denoise_cli.denoisers.catalogue import load
        from denoise_cli.denoisers.memory import arrange_memory

        denoiser = load(model, size=self.size, device=self.device, precision=self.precision, tile=self.tile)
        arrange_memory(denoiser.card)
        return Settings(denoiser, self.strength, self.sigma, self.white, SaveOptions(self.quality))
