from __future__ import annotations

import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from denoise_cli.denoisers.catalogue import load
from denoise_cli.errors import FitError, UsageError
from denoise_cli.fitting import loop
from denoise_cli.fitting.clean import fit_clean
from denoise_cli.fitting.job import Job, held_out, save
from denoise_cli.fitting.loop import Status, train
from denoise_cli.fitting.noisy import NoisyPatches, noisy_patches
from denoise_cli.fitting.objective import SyntheticNoise, training_loss
from denoise_cli.fitting.optimizers import Muon, optimizers, orthogonal
from denoise_cli.fitting.patches import PatchSource
from denoise_cli.fitting.recipe import Recipe
from denoise_cli.fitting.recipes import RECIPES, noisy_recipe, recipe
from denoise_cli.measure.quality import psnr
from denoise_cli.networks import build
from denoise_cli.noise.camera import strength
from denoise_cli.noise.spec import NoiseRange, parse_mixture
from denoise_cli.noise.synthetic import add_gaussian
from tests.conftest import toy_card

CPU = torch.device("cpu")
SMALL = Recipe("dncnn", {"channels": 3, "filters": 8, "layers": 4}, steps=40, batch=4, patch=24, warmup=5, ema=0.9)


def smooth(seed: int, side: int = 120) -> np.ndarray:
    """A smooth random colour picture, uint8."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(4):
        Image.fromarray(smooth(seed)).save(folder / f"{seed}.png")
    return folder


def source(smallest: int = 24) -> PatchSource:
    return PatchSource((smooth(seed) for seed in range(3)), device=CPU, seed=0, smallest=smallest)


def synthetic(recipe: Recipe) -> SyntheticNoise:
    noise = parse_mixture(recipe.noise)
    return SyntheticNoise(source(), source(96), noise, recipe.batch, recipe.patch, recipe.gray)


def test_patches_are_pixels_of_the_photos() -> None:
    photo = np.arange(30 * 40 * 3, dtype=np.uint16).reshape(30, 40, 3).astype(np.uint8)
    photo[:, :, 1] = np.arange(30)[:, None]
    photo[:, :, 2] = np.arange(40)[None]
    patches = PatchSource([photo], device=CPU, seed=0, smallest=30).patches(8, 16, torch.Generator().manual_seed(0))
    assert patches.shape == (8, 3, 16, 16)
    for patch in (patches * 255).round().int():
        rows, columns = patch[1], patch[2]
        steps = {abs(int(rows[1, 0] - rows[0, 0])), abs(int(rows[0, 1] - rows[0, 0]))}
        assert steps == {0, 1}  # whichever way it was turned, neighbours stayed neighbours
        assert len({int(value) for value in columns.flatten()}) == 16


def test_the_same_generator_gives_the_same_patches() -> None:
    first, again = (source().patches(4, 24, torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(first, again)


def test_pictures_too_small_to_train_on_are_told() -> None:
    with pytest.raises(ValueError, match="200 x 200"):
        source(smallest=200)


def test_training_noise_is_unclipped_and_its_levels_cover_the_range() -> None:
    clean = torch.ones(8, 3, 64, 64)
    made = noisy_patches(clean, [NoiseRange("gaussian", 0, 55)], torch.Generator().manual_seed(0))
    noise = made.noisy - clean
    assert torch.allclose(noise.std(dim=(1, 2, 3)), made.sigma.flatten(), rtol=0.05)
    levels = sorted((noise.std(dim=(1, 2, 3)) * 255).tolist())
    assert noise.max() > 0
    for number, level in enumerate(levels):  # one in each eighth of the range
        assert number * 55 / 8 - 1 < level < (number + 1) * 55 / 8 + 1


def test_some_patches_lose_their_colour_and_their_noise_has_none_either() -> None:
    clean = source().patches(64, 24, torch.Generator().manual_seed(1))
    random = torch.Generator().manual_seed(0)
    made = noisy_patches(clean, [NoiseRange("gaussian", 10, 20)], random, gray=0.25)
    gray = (made.clean == made.clean[:, :1]).flatten(1).all(dim=1)
    assert 6 < gray.sum() < 26
    assert torch.allclose(made.noisy[gray], made.noisy[gray][:, :1].expand(-1, 3, -1, -1), atol=1e-6)
    assert (made.noisy[~gray] - made.noisy[~gray][:, :1]).abs().mean() > 0.01
    assert torch.equal(made.clean[~gray], clean[~gray])


def test_levels_of_camera_noise_are_measured_and_told_inexactly() -> None:
    clean = source().patches(16, 24, torch.Generator().manual_seed(1))
    made = noisy_patches(clean, [NoiseRange("camera")], torch.Generator().manual_seed(0))
    assert torch.equal(made.sigma, strength(made.noisy - made.clean))
    ratio = made.told / made.sigma
    assert 0.79 < ratio.min() < ratio.max() < 1.26


def test_a_mixture_has_each_kind_where_it_should_be() -> None:
    clean = source().patches(64, 24, torch.Generator().manual_seed(1))
    made = noisy_patches(clean, parse_mixture("gaussian:100-100+camera"), torch.Generator().manual_seed(0), gray=0.3)
    gaussian = made.sigma.flatten() == torch.tensor(100 / 255)
    assert torch.allclose(strength(made.noisy - made.clean)[gaussian], made.sigma[gaussian], rtol=0.2)
    assert 20 < gaussian.sum() < 44
    assert made.noisy[gaussian].max() > 1
    assert made.noisy[~gaussian].max() <= 1
    gray = (made.clean == made.clean[:, :1]).flatten(1).all(dim=1)
    assert (made.noisy[gray] - made.noisy[gray][:, :1]).abs().max() < 1e-6


def test_the_estimator_is_trained_with_its_network() -> None:
    arguments = {"widths": [8, 12], "blocks": 1, "estimates": True}
    short = Recipe("unet", arguments, noise="gaussian:20-20", steps=60, batch=4, patch=24, ema=0.9, warmup=5)
    torch.manual_seed(0)
    network = build("unet", arguments)
    made = noisy_patches(source().patches(8, 24, torch.Generator().manual_seed(1)), [NoiseRange("gaussian", 20, 20)],
                         torch.Generator().manual_seed(2))  # fmt: skip
    assert network.level is not None
    before = (network.level(made.noisy) * 255 - 20).abs().mean()
    trained = train(network, short, synthetic(short), device=CPU)
    assert trained.level is not None
    assert (trained.level(made.noisy) * 255 - 20).abs().mean() < before / 4


def test_an_orthogonal_update_has_singular_values_near_one() -> None:
    for shape in ((40, 90), (90, 40)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape, generator=torch.Generator().manual_seed(0))))
        assert values.min() > 0.5
        assert values.max() < 1.4


def test_inner_convolutions_are_muons_and_all_else_adamws() -> None:
    network = build("dncnn", {"filters": 32, "layers": 4})
    muon, adamw = optimizers(network, lr=1e-3, weight_decay=0.0)
    assert isinstance(muon, Muon)
    inner = [p for group in muon.param_groups for p in group["params"]]
    assert [tuple(p.shape) for p in inner] == [(32, 32, 3, 3)] * 2
    others = sum(len(group["params"]) for group in adamw.param_groups)
    assert others + len(inner) == len(list(network.parameters()))


def test_the_rate_rises_and_falls_to_zero() -> None:
    rates = [SMALL.rate(step) for step in range(SMALL.steps)]
    assert rates[0] == pytest.approx(SMALL.learning_rate / 5)
    assert max(rates) == pytest.approx(SMALL.learning_rate)
    assert rates[-1] < SMALL.learning_rate / 100


def test_training_takes_noise_out() -> None:
    longer = replace(SMALL, steps=250, learning_rate=3e-3)
    torch.manual_seed(0)
    trained = train(build("dncnn", longer.arguments), longer, synthetic(longer), device=CPU)
    clean = smooth(9).astype(np.float32) / 255
    noisy = add_gaussian(clean, 25, seed=0)
    with torch.inference_mode():
        result = trained(torch.from_numpy(noisy.transpose(2, 0, 1).copy())[None])[0].permute(1, 2, 0).numpy()
    assert psnr(result, clean) > psnr(noisy, clean) + 1


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler")
def test_a_compiled_training_comes_to_the_same() -> None:
    short = replace(SMALL, steps=3)
    results = []
    for compiled in (False, True):
        torch.manual_seed(0)
        results.append(
            train(build("dncnn", short.arguments), short, synthetic(short), device=CPU, compile=compiled).state_dict()
        )
    for name, tensor in results[0].items():
        assert torch.allclose(tensor.float(), results[1][name].float(), atol=1e-2), name


def test_without_a_compiler_there_is_no_compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UsageError, match="takes a C\\+\\+ compiler"):
        train(build("dncnn", SMALL.arguments), SMALL, synthetic(SMALL), device=CPU, compile=True)


def test_absolute_and_squared_errors() -> None:
    clean = torch.full((1, 3, 8, 8), 0.5)
    patches = NoisyPatches(clean, clean + 0.2, *torch.zeros(2, 1, 1, 1, 1))
    same = build("cnn", {"filters": 8, "layers": 3})
    with torch.no_grad():
        for parameter in same.parameters():
            parameter.zero_()
    absolute, squared = (training_loss(same.eval(), patches, squared=way).item() for way in (False, True))
    assert absolute > 0.1
    assert squared == pytest.approx(absolute**2, rel=0.01)


def test_a_stopped_training_ends_like_one_that_was_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def network() -> torch.nn.Module:
        torch.manual_seed(0)
        return build("dncnn", SMALL.arguments)

    undisturbed = train(network(), SMALL, synthetic(SMALL), device=CPU)

    draws = 0
    patches = PatchSource.patches

    def interrupted(self: PatchSource, *arguments: object) -> torch.Tensor:
        nonlocal draws
        draws += 1
        if draws == 17:
            raise KeyboardInterrupt
        return patches(self, *arguments)  # type: ignore[arg-type]

    checkpoint = tmp_path / "checkpoint"
    monkeypatch.setattr(PatchSource, "patches", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(network(), SMALL, synthetic(SMALL), device=CPU, checkpoint=checkpoint)
    resumed = train(build("dncnn", SMALL.arguments), SMALL, synthetic(SMALL), device=CPU, checkpoint=checkpoint)
    assert draws < 17 + SMALL.steps  # it did go on, and did not begin again
    for name, tensor in undisturbed.state_dict().items():
        assert torch.allclose(tensor.float(), resumed.state_dict()[name].float(), atol=1e-5), name


def test_ctrl_c_waits_for_the_end_of_an_update(tmp_path: Path) -> None:
    def network() -> torch.nn.Module:
        torch.manual_seed(0)
        return build("dncnn", SMALL.arguments)

    undisturbed = train(network(), SMALL, synthetic(SMALL), device=CPU)
    trained, checkpoint = network(), tmp_path / "checkpoint"

    def ctrl_c(*_: object) -> None:
        """When batch norms have counted the patches."""
        handler = signal.getsignal(signal.SIGINT)
        assert callable(handler)
        handler(signal.SIGINT, None)

    trained.register_forward_hook(ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        train(trained, SMALL, synthetic(SMALL), device=CPU, checkpoint=checkpoint)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert torch.load(checkpoint, weights_only=True)["step"] == 1
    resumed = train(network(), SMALL, synthetic(SMALL), device=CPU, checkpoint=checkpoint)
    for name, tensor in undisturbed.state_dict().items():
        assert torch.allclose(tensor.float(), resumed.state_dict()[name].float(), atol=1e-5), name


def test_a_bar_that_is_interrupted_leaves_the_average_whole(tmp_path: Path) -> None:
    def stop(step: int, steps: int) -> None:
        raise KeyboardInterrupt

    checkpoint = tmp_path / "checkpoint"
    with pytest.raises(KeyboardInterrupt):
        train(build("dncnn", SMALL.arguments), SMALL, synthetic(SMALL), device=CPU, checkpoint=checkpoint, tick=stop)
    state = torch.load(checkpoint, weights_only=True)
    assert state["step"] == 1
    assert all(count == 1 for name, count in state["average"].items() if name.endswith("num_batches_tracked"))


def test_checkpoints_of_other_recipes_are_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint"
    short = replace(SMALL, steps=2)
    train(build("dncnn", SMALL.arguments), short, synthetic(short), device=CPU, checkpoint=checkpoint)
    with pytest.raises(ValueError, match="another recipe"):
        train(build("dncnn", SMALL.arguments), SMALL, synthetic(SMALL), device=CPU, checkpoint=checkpoint)


def test_frozen_norms_keep_their_statistics() -> None:
    network = build("dncnn", SMALL.arguments)
    frozen = replace(SMALL, steps=3, freeze_norms_after=0.0)
    train(network, frozen, synthetic(frozen), device=CPU)
    norm = next(layer for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm2d))
    assert norm.running_mean is not None
    assert torch.equal(norm.running_mean, torch.zeros(8))


def test_from_a_folder_to_a_weights_file(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "CHECKPOINT_EVERY_SECONDS", 0.0)
    seen: list[Status] = []
    output = tmp_path / "mine.safetensors"
    card = fit_clean(photos, replace(SMALL, steps=5), Job(output, training="smooth", command="fit", report=seen.append))
    assert (card.name, card.training, card.command, card.radius) == ("mine", "smooth", "fit", 4)
    assert [status.step for status in seen] == [1, 2, 3, 4, 5]
    assert load(str(output), device="cpu").card == card


def test_held_out_is_the_first_of_each_row_that_is_large_enough() -> None:
    numbers = list(range(120))
    assert held_out(numbers, 50, lambda number: True) == numbers[::50]
    assert held_out(numbers, 50, lambda number: 2 < number < 60) == [3, 50]


def test_a_first_picture_that_is_small_is_not_held_out(photos: Path, tmp_path: Path) -> None:
    Image.fromarray(smooth(0, side=40)).save(photos / "0.png")
    output = tmp_path / "x.safetensors"
    card = fit_clean(photos, replace(SMALL, steps=1, patch=48), Job(output))
    assert card.training == "3 pictures of the folder photos, 1 of them held out"
    for path in photos.iterdir():
        Image.fromarray(smooth(0, side=90)).save(path)
    with pytest.raises(UsageError, match="one of which is held out to measure progress, has 96 x 96"):
        fit_clean(photos, replace(SMALL, steps=1), Job(output))


def test_gray_networks_learn_from_colour_photos(photos: Path, tmp_path: Path) -> None:
    gray = replace(SMALL, steps=2, gray=0.5, arguments={**SMALL.arguments, "channels": 1})
    assert fit_clean(photos, gray, Job(tmp_path / "gray.safetensors")).channels == 1


def test_a_gray_network_starts_from_one_in_colour(photos: Path, tmp_path: Path) -> None:
    """Without a step of training that changes anything, it denoises gray as the other does, but for its colours."""
    colour = Recipe("cnn", {"channels": 3, "filters": 8, "layers": 3}, steps=3, batch=2, patch=24)
    gray = replace(colour, arguments={**colour.arguments, "channels": 1}, steps=1, learning_rate=0.0)
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    fit_clean(photos, colour, Job(first))
    assert fit_clean(photos, gray, Job(second, start=first)).channels == 1
    pixels = np.random.default_rng(0).random((40, 40, 1), np.float32)
    three, one = (load(str(path), device="cpu", precision="fp32") for path in (first, second))
    assert np.abs(three(np.repeat(pixels, 3, axis=2)).mean(axis=2) - one(pixels)[..., 0]).max() < 1e-3


def test_the_full_network_starts_from_the_dilated_one(photos: Path, tmp_path: Path) -> None:
    """Without a step of training that changes anything, both denoise alike."""
    dilated = Recipe("win5rb", {"channels": 3, "filters": 4, "dilations": [1, 2, 3]}, steps=3, batch=2, patch=24)
    full = Recipe("win5rb", {"channels": 3, "filters": 4}, steps=1, batch=2, patch=24, learning_rate=0.0)
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    fit_clean(photos, dilated, Job(first))
    fit_clean(photos, replace(full, freeze_norms_after=0.0), Job(second, start=first))
    pixels = np.random.default_rng(0).random((40, 40, 3), np.float32)
    results = [load(str(path), device="cpu", precision="fp32")(pixels) for path in (first, second)]
    assert np.abs(results[0] - results[1]).max() < 1e-3
    with pytest.raises(UsageError, match="not what is to be trained"):
        fit_clean(photos, SMALL, Job(second, start=first))


def test_an_estimator_is_added_to_a_network_that_had_none(photos: Path, tmp_path: Path) -> None:
    plain = Recipe("unet", {"widths": [8, 12], "blocks": 1}, steps=1, batch=2, patch=24)
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    assert fit_clean(photos, plain, Job(first)).level == "given"
    judging = replace(plain, arguments={**plain.arguments, "estimates": True}, noise="gaussian:0-55+camera")
    card = fit_clean(photos, judging, Job(second, start=first))
    assert card.arguments["estimates"] is True
    assert load(str(second), device="cpu").estimate(np.random.default_rng(0).random((20, 20, 3), np.float32)) > 0


def test_noise_that_is_not_trained_on_is_refused(photos: Path, tmp_path: Path) -> None:
    output = tmp_path / "x.safetensors"
    with pytest.raises(UsageError, match="not trained on speckle"):
        fit_clean(photos, replace(SMALL, noise="speckle:5"), Job(output))
    with pytest.raises(UsageError, match="in colour"):
        fit_clean(photos, replace(SMALL, noise="camera", arguments={**SMALL.arguments, "channels": 1}), Job(output))


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder with pictures in it"):
        fit_clean(tmp_path, SMALL, Job(tmp_path / "x.safetensors"))


def test_recipes_build_their_networks() -> None:
    for name in RECIPES:
        build(recipe(name).architecture, recipe(name).arguments)
    with pytest.raises(UsageError, match="no recipe 'unet9'"):
        recipe("unet9")


@pytest.mark.parametrize(
    ("architecture", "patch"), [("unet", 128), ("profiled", 128), ("stabilised", 128), ("dncnn", 64)]
)
def test_u_nets_learn_from_noisy_pictures_on_large_patches(architecture: str, patch: int) -> None:
    assert noisy_recipe(toy_card(architecture)).patch == patch


@pytest.mark.parametrize("content", [b"", b"garbage", "list"])
def test_damaged_checkpoints_are_told(content: bytes | str, tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint"
    if isinstance(content, bytes):
        checkpoint.write_bytes(content)
    else:
        torch.save([1, 2], checkpoint)
    with pytest.raises(UsageError, match="checkpoint is no checkpoint, or is damaged; remove it"):
        train(build("dncnn", SMALL.arguments), SMALL, synthetic(SMALL), device=CPU, checkpoint=checkpoint)


def test_a_training_that_breaks_down_is_told() -> None:
    wild = replace(SMALL, learning_rate=float("inf"), warmup=0)
    with pytest.raises(FitError, match="broke down at step"):
        train(build("dncnn", SMALL.arguments), wild, synthetic(wild), device=CPU)


def test_weights_that_are_no_numbers_are_not_written(tmp_path: Path) -> None:
    network = build("dncnn", SMALL.arguments)
    next(network.parameters()).data.fill_(float("nan"))
    with pytest.raises(FitError, match="weights are no numbers"):
        save(network, SMALL, Job(tmp_path / "x.safetensors"))
    assert not list(tmp_path.iterdir())


def test_hidden_folders_are_not_learnt_from(tmp_path: Path) -> None:
    (tmp_path / ".trash").mkdir()
    (tmp_path / ".trash" / "x.png").write_text("no picture")
    for number in range(2):
        Image.new("RGB", (100, 120), (9, 9, 50 * number)).save(tmp_path / f"{number}.png")
    card = fit_clean(tmp_path, replace(SMALL, steps=1), Job(tmp_path / "x.safetensors"))
    assert card.training.startswith("2 pictures")
