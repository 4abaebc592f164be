"""What is done with a picture, without a server."""

from __future__ import annotations

import shutil
from pathlib import Path

from PIL import Image

from denoise_cli.batch.picture import Settings
from denoise_cli.demo.work import RESULT, SOURCE, Order, carry_out
from denoise_cli.denoisers import classical
from denoise_cli.images.codec import SaveOptions


def test_the_result_is_saved_as_the_settings_say(tmp_path: Path, noisy_jpeg: Path) -> None:
    shutil.copy(noisy_jpeg, tmp_path / SOURCE)
    steps = []
    for quality in (95, 20):
        settings = Settings(classical.build("mean"), save=SaveOptions(quality))
        carry_out(Order(tmp_path, "in.jpg", "out.jpg", settings), lambda share: None)
        with Image.open(tmp_path / RESULT) as result:
            steps.append(sum(result.quantization[0]))  # coarser at a lower quality
    assert steps[1] > 2 * steps[0]
