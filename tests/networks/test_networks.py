from __future__ import annotations

import pytest
import torch

from denoise_cli.networks import ARCHITECTURES, build, macs_per_pixel, parameters
from denoise_cli.networks.blocks import with_sigma
from denoise_cli.networks.curve import level_map
from denoise_cli.networks.level import as_white
from denoise_cli.networks.profiled import Profiled
from denoise_cli.networks.win5rb import widened
from tests.conftest import TOYS, toy_input, toy_network


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("channels", [1, 3])
def test_output_has_the_inputs_shape(architecture: str, channels: int) -> None:
    network = toy_network(architecture, channels)
    side = 12 * network.multiple
    assert network(toy_input(network, side, 24, batch=2, channels=channels)).shape == (2, channels, side, 24)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_radius_is_no_smaller_than_what_a_pixel_sees(architecture: str) -> None:
    """Measured by gradients, at every place of the network's grid."""
    network = toy_network(architecture)
    for phase in range(network.multiple):
        x = toy_input(network, 64, 64).requires_grad_()
        at = 32 + phase
        network(x)[0, :, at, at].sum().backward()
        seen = x.grad.abs().sum(dim=(0, 1)).nonzero() - at
        assert seen.abs().max() <= network.radius


def test_papers_sizes() -> None:
    """Parameters and depth as in the papers."""
    assert parameters(build("win5rb", {"channels": 1})) == pytest.approx(2.42e6, rel=0.005)
    assert build("dncnn", {}).radius == 20
    assert macs_per_pixel(build("dncnn", {"channels": 3}).eval(), 3) == pytest.approx(0.67e6, rel=0.01)
    assert build("win5rb", {}).radius == 15


def test_residual_networks_are_near_the_identity_where_the_paper_says_so() -> None:
    """Win5-RB adds to its input: with a silent last norm it is the identity, as training begins."""
    network = build("win5rb", {"channels": 3, "filters": 8}).eval()
    x = torch.rand(1, 3, 9, 9)
    assert torch.equal(network(x), x)


def test_unet_scales_with_its_input_and_begins_as_the_identity() -> None:
    network = toy_network("unet")
    x = toy_input(network, 24, 32)
    assert torch.allclose(network(3 * x), 3 * network(x), atol=1e-5)
    fresh = build("unet", {"widths": [8, 12]})
    assert torch.equal(fresh(x), x[:, :3])
    assert (network(x) - x[:, :3]).abs().max() > 1e-3


def test_unet_keeps_to_its_budget() -> None:
    network = build("unet", {"channels": 3})
    assert macs_per_pixel(network, 3) <= 0.5e6
    assert (network.radius, network.multiple) == (91, 8)


def test_the_level_is_positive_and_of_any_size_of_picture() -> None:
    level = toy_network("unet").level
    assert level is not None
    for side in (8, 64, 72):
        assert (level(torch.rand(2, 3, side, 64)) > 0).all()


def test_widened_computes_the_same() -> None:
    torch.manual_seed(0)
    dilations = [1, 2, 3]
    small = build("win5rb", {"filters": 8, "dilations": dilations}).eval()
    torch.nn.init.ones_(small.body[-1].weight)
    full = build("win5rb", {"filters": 8}).eval()
    full.load_state_dict(widened(small.state_dict(), dilations))
    x = torch.rand(1, 3, 33, 29)
    assert (full(x) - small(x)).abs().max() < 1e-5
    assert small.radius == 12


def test_unknown_architectures_and_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="unknown architecture 'resnet'"):
        build("resnet", {})
    with pytest.raises(ValueError, match="colours"):
        build("cnn", {"colours": 3})
    with pytest.raises(ValueError, match="dilations"):
        build("win5rb", {"dilations": [1, 2, 4]})
    with pytest.raises(ValueError, match="widths"):
        build("unet", {"widths": [8, 10**6]})


@pytest.mark.parametrize(
    ("architecture", "arguments", "complaint"),
    [
        ("cnn", {"layers": 1}, "layers of 1, only of 2 to 256"),
        ("dncnn", {"layers": 1}, "layers of 1, only of 2 to 256"),
        ("cae", {"filters": 0}, "filters of 0"),
        ("cnn", {"channels": 3.0}, "channels of 3.0"),
        ("win5rb", {"dilations": [1, 2]}, "3 dilations"),
        ("win5rb", {"dilations": 2}, "does not take these arguments"),
        ("unet", {"widths": []}, "0 widths"),
        ("unet", {"widths": [1] * 16}, "16 widths"),
        ("unet", {"blocks": 64}, "a margin of 2571"),
        ("profiled", {"levels": [5, 9], "stride": 0}, "stride of 0"),
        ("profiled", {"levels": [5, 9], "stride": 2.0}, "stride of 2.0"),
        ("profiled", {"levels": [5, 9], "stride": 64}, "multiples of 512 pixels"),
        ("profiled", {"levels": [5, 9], "base": {"colours": 3}}, "colours"),
        ("stabilised", {"levels": [5, 9], "base": {"widths": [1] * 16}}, "16 widths"),
    ],
)
def test_arguments_that_make_no_network_or_a_boundless_one_are_refused(
    architecture: str, arguments: dict[str, object], complaint: str
) -> None:
    with torch.device("meta"), pytest.raises(ValueError, match=complaint):
        build(architecture, arguments)


def test_a_network_may_see_far() -> None:
    with torch.device("meta"):
        far = build("unet", {"widths": [8] * 6})
    assert (far.multiple, far.radius) == (64, 819)


def test_interleaved_pictures_count_all() -> None:
    base = {"widths": [8, 12], "blocks": 1}
    plain = macs_per_pixel(build("unet", {**base}), 3)
    for stride in (1, 2, 3):
        assert macs_per_pixel(build("profiled", {"levels": [5, 9], "stride": stride, "base": base}), 3) == plain


def test_toys_cover_all_architectures() -> None:
    assert TOYS.keys() == ARCHITECTURES.keys()


def test_a_curve_tells_the_level_by_brightness() -> None:
    lights = torch.tensor([-0.3, 0.0, 0.25, 0.5, 0.75, 1.0, 7.0]).reshape(-1, 1, 1, 1).expand(-1, 3, 8, 8)
    levels = level_map(lights, [10, 20, 60])[:, 0, 0, 0] * 255
    assert torch.allclose(levels, torch.tensor([10.0, 10, 15, 20, 40, 60, 60]), atol=1e-4)
    assert torch.allclose(level_map(lights, [30]), torch.tensor(30 / 255))


def test_with_a_stride_each_interleaved_picture_is_seen_for_itself() -> None:
    network = toy_network("profiled")
    assert isinstance(network, Profiled)
    x = torch.rand(2, 3, 32, 48)
    told = with_sigma(x, level_map(x, network.levels))
    result = network(x)
    for row in (0, 1):
        for column in (0, 1):
            alone = network.base(told[:, :, row::2, column::2])
            assert torch.allclose(result[:, :, row::2, column::2], alone, atol=1e-5)


def test_faint_grain_is_left_and_strong_grain_told_as_white_noise() -> None:
    faint, strong = torch.tensor(1.0) / 255, torch.tensor(4.0) / 255
    assert as_white(faint, 3.0) == faint
    assert as_white(strong, 3.0) == 3 * strong
    assert as_white(strong, 1.0) == strong


@pytest.mark.parametrize("levels", [[], [5], [5, -1], [5, float("nan")]])
def test_profiles_that_are_none_are_refused(levels: list[float]) -> None:
    with pytest.raises(ValueError, match="noise profile"):
        build("profiled", {"levels": levels})


def test_arguments_within_arguments_are_checked_too() -> None:
    with pytest.raises(ValueError, match="cannot have blocks of 1000000000"):
        build("profiled", {"levels": [5, 9], "base": {"blocks": 10**9}})


def test_a_curve_makes_noise_even_and_its_inverse_undoes_it() -> None:
    network = build("stabilised", {"levels": [5, 10, 20, 40], "base": {"widths": [8, 12]}}).eval()
    x = torch.rand(1, 3, 32, 32) * 1.4 - 0.2
    assert torch.allclose(network(x), x, atol=1e-5)  # an untrained U-Net changes nothing
    network.curve_shifts.data += 0.1
    assert torch.allclose(network(x), x + 0.1, atol=1e-5)


def test_a_curve_can_be_learnt() -> None:
    network = toy_network("stabilised")
    network(torch.rand(1, 3, 32, 32)).square().mean().backward()
    for name in ("curve_steps", "curve_shifts", "curve_level"):
        assert network.get_parameter(name).grad.abs().sum() > 0
