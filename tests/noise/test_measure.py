from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from denoise_cli.noise.measure import noise_facts, noise_in_flat_parts
from denoise_cli.noise.spec import NoiseRange
from denoise_cli.noise.synthetic import add_noise


def scene(seed: int = 0, side: int = 384) -> np.ndarray:
    """Half soft light from dark to bright, half texture."""
    random = np.random.default_rng(seed)
    ramp = np.tile(np.linspace(0.15, 0.85, side)[None, :, None], (side, 1, 3))
    ramp[: side // 2] += 0.1 * gaussian_filter(random.standard_normal((side // 2, side, 3)), (1.5, 1.5, 0))
    return ramp.astype(np.float32)


@pytest.mark.parametrize("sigma", [3, 12, 25])
def test_white_noise_is_measured_beside_texture(sigma: float) -> None:
    facts = noise_facts([add_noise(scene(), NoiseRange.parse(f"gaussian:{sigma}"), np.random.default_rng(1))])
    assert facts.sigma == pytest.approx(sigma, rel=0.05)
    assert facts.white
    assert not facts.uneven
    assert facts.grain == 1
    assert max(abs(value) for value in facts.correlation) < 0.1
    assert all(value == pytest.approx(sigma, rel=0.2) for _, value in facts.curve)


def test_shot_noise_grows_with_the_light() -> None:
    light = scene()
    noisy = np.random.default_rng(0).poisson(light * 200).astype(np.float32) / 200
    facts = noise_facts([noisy])
    for brightness, sigma in facts.curve:
        assert sigma == pytest.approx(255 * np.sqrt(brightness / 200), rel=0.1)
    assert "in the shadows" in str(facts)
    assert facts.white
    assert facts.uneven
    assert facts.levels[0] < 4  # beyond what the scene shows, by the law of photons
    assert facts.levels[-1] == pytest.approx(255 / np.sqrt(200), rel=0.1)


@pytest.mark.parametrize("photons", [4, 12])
def test_where_few_photons_are_counted_none_is_a_count_too(photons: int) -> None:
    noisy = np.random.default_rng(0).poisson(scene() * photons).astype(np.float32) / photons
    curve = noise_facts([noisy]).curve
    assert curve[0][0] < 0.25
    for brightness, sigma in curve:
        assert sigma == pytest.approx(255 * np.sqrt(brightness / photons), rel=0.15)


def test_noise_that_is_cut_off_at_black_is_not_measured_there() -> None:
    dark = add_noise(scene() * 0.6 - 0.05, NoiseRange.parse("gaussian:20"), np.random.default_rng(1))
    facts = noise_facts([(np.rint(dark.clip(0, 1) * 255) / 255).astype(np.float32)])
    assert not facts.uneven
    assert all(value == pytest.approx(20, rel=0.15) for _, value in facts.curve)


def test_noise_after_a_tone_curve_is_told_from_point_to_point() -> None:
    light = scene()
    bumpy = 0.02 + 0.06 * np.exp(-(((light - 0.5) / 0.1) ** 2))
    noisy = (light + bumpy * np.random.default_rng(0).standard_normal(light.shape)).astype(np.float32)
    facts = noise_facts([noisy])
    assert facts.levels[16] > 2 * facts.levels[0]
    assert facts.levels[0] == facts.levels[1] == pytest.approx(facts.curve[0][1])


def test_noise_that_falls_with_the_light_is_not_taken_to_vanish_beyond_the_lightest_block() -> None:
    light = scene()
    noisy = light + 0.08 * np.sqrt(1.02 - light) * np.random.default_rng(0).standard_normal(light.shape)
    facts = noise_facts([noisy.astype(np.float32)])
    assert facts.curve[0][1] > 2 * facts.curve[-1][1]
    assert facts.levels[-1] == pytest.approx(facts.curve[-1][1])


def test_grain_is_told_by_its_width() -> None:
    grain = np.random.default_rng(0).normal(0, 0.2, (384, 384, 3))
    wide = gaussian_filter(grain, (1.2, 1.2, 0))
    facts = noise_facts([(scene() + wide).astype(np.float32)])
    assert facts.grain == 3
    assert not facts.white
    assert facts.sigma == pytest.approx(255 * wide.std(), rel=0.2)
    assert "grain 3 pixels wide" in str(facts)


def test_impulses_and_clipping_are_counted() -> None:
    struck = add_noise(scene(), NoiseRange.parse("salt-pepper:20"), np.random.default_rng(0))
    assert noise_facts([struck]).impulses == pytest.approx(0.2, abs=0.05)
    dark = np.clip(np.random.default_rng(0).normal(0, 0.05, (128, 128, 1)), 0, 1).astype(np.float32)
    facts = noise_facts([dark])
    assert facts.clipped == pytest.approx(0.5, abs=0.05)
    assert facts.impulses < 0.001


def test_where_a_picture_shows_nothing_does_not_count() -> None:
    struck = add_noise(scene(), NoiseRange.parse("salt-pepper:20"), np.random.default_rng(0))
    whole = noise_facts([struck])
    struck[:192] = np.nan
    half = noise_facts([struck])
    assert half.impulses == pytest.approx(whole.impulses, rel=0.05)
    assert half.clipped == pytest.approx(whole.clipped, rel=0.05)
    nothing = noise_facts([np.full_like(struck, np.nan)])
    assert (nothing.curve, nothing.clipped, nothing.impulses) == ((), 0, 0)


def test_pictures_without_noise_or_too_small_to_tell() -> None:
    assert noise_facts([np.full((100, 100, 3), 0.5, np.float32)]).sigma == pytest.approx(0, abs=1e-6)
    assert str(noise_facts([np.full((5, 5, 3), 0.5, np.float32)])) == "no noise to be seen"


@pytest.mark.parametrize("width", [0.5, 0.8, 1.2])
def test_the_strength_of_grain_is_told_whatever_its_width(width: float) -> None:
    ramp = np.add.outer(np.linspace(0.3, 0.5, 512), np.linspace(0, 0.2, 512))[:, :, None]
    grain = gaussian_filter(np.random.default_rng(0).standard_normal((512, 512, 3)), (width, width, 0))
    facts = noise_in_flat_parts([(ramp + 0.05 * grain / grain.std()).astype(np.float32)])
    assert facts.sigma == pytest.approx(255 * 0.05, rel=0.1)
