"""What a network has taken out of noisy pictures: it should look like the noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from denoise_cli.noise.measure import NoiseFacts

TOO_ALIKE = 0.15  # how far neighbours' correlation in what was taken away may be from that in the noise


@dataclass(frozen=True)
class Residual:
    """`sigma`: standard deviation, 0..255 scale. `correlation`: of pixels side by side, the mean of both directions."""

    sigma: float
    correlation: float

    def account(self, facts: NoiseFacts) -> str:
        """Beside what is known of the noise."""
        text = f"taken away: sigma {self.sigma:.1f}, neighbours alike by {self.correlation:.2f}"
        noise = facts.correlation[0]
        if abs(self.correlation - noise) <= TOO_ALIKE:
            return f"{text}, as in the noise ({noise:.2f})"
        if self.correlation > noise:
            return f"{text}, in the noise by {noise:.2f}: some of the pictures' detail is in it"
        return f"{text}, in the noise by {noise:.2f}: some of the noise is left"


def residual(noisy: torch.Tensor, clean: torch.Tensor) -> Residual:
    """Of patches `[batch, channels, height, width]`, 1.0 = white."""
    rest = noisy - clean
    rest = rest - rest.mean(dim=(2, 3), keepdim=True)
    power = rest.square().mean().clamp(min=1e-12)
    across = (rest[..., 1:] * rest[..., :-1]).mean() / power
    down = (rest[..., 1:, :] * rest[..., :-1, :]).mean() / power
    return Residual(255 * float(power.sqrt()), float(across + down) / 2)
