"""What is done with a picture, without a server."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from denoise_cli.batch.picture import Settings, denoise_file
from denoise_cli.batch.plan import Job
from denoise_cli.demo import work
from denoise_cli.demo.jobs import UnwantedError
from denoise_cli.demo.work import RESULT, SOURCE, Order, carry_out
from denoise_cli.denoisers import classical
from denoise_cli.denoisers.noiser import Noiser
from denoise_cli.errors import PictureError
from denoise_cli.images.codec import SaveOptions
from denoise_cli.noise.spec import NoiseRange


def test_the_result_is_saved_as_the_settings_say(tmp_path: Path, noisy_jpeg: Path) -> None:
    shutil.copy(noisy_jpeg, tmp_path / SOURCE)
    steps = []
    for quality in (95, 20):
        settings = Settings(classical.build("mean"), save=SaveOptions(quality))
        carry_out(Order(tmp_path, "in.jpg", "out.jpg", settings), lambda share: None)
        with Image.open(tmp_path / RESULT) as result:
            steps.append(sum(result.quantization[0]))  # coarser at a lower quality
    assert steps[1] > 2 * steps[0]


def test_noise_that_is_added_harms_no_more_than_it_does_on_the_command_line(tmp_path: Path) -> None:
    """A pixel that is no number stays one, and the noise of those around it is as strong as elsewhere."""
    ramp = np.tile(np.linspace(0.2, 0.8, 32, dtype=np.float32), (32, 1))
    ramp[5, 6] = np.nan
    tifffile.imwrite(tmp_path / "in.tif", ramp)
    shutil.copy(tmp_path / "in.tif", tmp_path / SOURCE)
    noiser, mean = Noiser(NoiseRange.parse("camera"), 1), Settings(classical.build("mean"))
    outcome = carry_out(Order(tmp_path, "in.tif", "out.tif", mean, noiser), lambda share: None)
    denoise_file(Job(tmp_path / "in.tif", tmp_path / "noisy.tif"), Settings(noiser))
    denoise_file(Job(tmp_path / "noisy.tif", tmp_path / "clean.tif"), mean)
    result = tifffile.imread(tmp_path / RESULT)
    assert np.array_equal(result, tifffile.imread(tmp_path / "clean.tif"), equal_nan=True)
    assert np.argwhere(np.isnan(result)).tolist() == [[5, 6]]
    assert outcome.psnr_before is not None and outcome.psnr_after is not None
    assert min(outcome.psnr_before, outcome.psnr_after) > 15


def test_the_share_grows_over_pages_and_ends_what_is_not_wanted(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / SOURCE, np.full((3, 20, 30), 99, np.uint8), photometric="minisblack")
    order = Order(
        tmp_path, "in.tif", "out.tif", Settings(classical.build("mean")), Noiser(NoiseRange.parse("camera"), 1)
    )
    shares: list[float] = []
    assert carry_out(order, shares.append).pages == 3
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)

    def share(part: float) -> None:
        raise UnwantedError

    with pytest.raises(UnwantedError):
        carry_out(order, share)


def test_a_full_disk_is_told_in_a_sentence(tmp_path: Path, noisy_jpeg: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(noisy_jpeg, tmp_path / SOURCE)
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(work, "show", lambda *_: (_ for _ in ()).throw(full))
    with pytest.raises(PictureError, match=r"no place for its result: .* \(No space left on device\)"):
        carry_out(Order(tmp_path, "in.jpg", "out.jpg", Settings(classical.build("mean"))), lambda share: None)
