from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from denoise_cli.errors import PictureError
from denoise_cli.fitting.survey import Frame, frames_of, pages, survey


def shot(scene: int, frame: int, moved: int = 0, light: float = 1.0) -> np.ndarray:
    """A noisy uint8 picture of a scene."""
    coarse = np.random.default_rng(scene).integers(40, 200, (9, 9, 3)).astype(np.uint8)
    clean = np.asarray(Image.fromarray(coarse).resize((300, 240), Image.Resampling.BICUBIC)).astype(float)
    grain = np.random.default_rng(100 + 10 * scene + frame).normal(0, 25, clean.shape)
    return np.clip(np.roll(clean, moved, axis=1) * light + grain, 0, 255).astype(np.uint8)


def test_frames_of_a_scene_are_found_whatever_their_names(tmp_path: Path) -> None:
    shots = [shot(1, 0), shot(2, 0), shot(1, 1, moved=4), shot(3, 0), shot(2, 1, light=0.9), shot(1, 2, moved=-3)]
    files = []
    for number, picture in enumerate(shots):
        files.append(tmp_path / f"{number}.png")
        Image.fromarray(picture).save(files[-1])
    found = survey(files)
    assert found.scenes == (tuple(Frame(files[n]) for n in (0, 2, 5)), tuple(Frame(files[n]) for n in (1, 4)))
    assert found.singles == (Frame(files[3]),)
    assert str(found) == "2 scenes of 2 to 3 frames and 1 single shot"


def test_pages_of_a_stack_are_frames(tmp_path: Path) -> None:
    stack = tmp_path / "stack.tif"
    tifffile.imwrite(stack, np.stack([shot(1, 0), shot(1, 1), shot(4, 0)]).astype(np.uint16) * 200, photometric="rgb")
    found = survey([stack])
    assert found.scenes == ((Frame(stack, 0), Frame(stack, 1)),)
    assert found.singles == (Frame(stack, 2),)
    assert str(found.singles[0]).endswith("stack.tif, page 3")


def test_sizes_and_pictures_that_show_nothing_make_no_scene(tmp_path: Path) -> None:
    plain = [np.full((100, 100, 3), shade, np.uint8) for shade in (128, 129)]
    files = []
    for number, picture in enumerate([*plain, shot(1, 0), shot(1, 1)[:200]]):
        files.append(tmp_path / f"{number}.png")
        Image.fromarray(picture).save(files[-1])
    assert survey(files).scenes == ()
    assert len(survey(files).singles) == 4


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_text("no picture")
    with pytest.raises(PictureError, match=r"broken.png is not a picture"):
        survey([broken])


def test_a_copy_of_a_frame_is_no_other_frame(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.png" for number in range(3)]
    for file, frame in zip(files, (0, 0, 1), strict=True):
        Image.fromarray(shot(1, frame)).save(file)
    found = survey(files)
    assert (found.scenes, found.copies) == (((Frame(files[0]), Frame(files[2])),), 1)
    assert str(found) == "1 scene of 2 frames (1 copy left out)"
    assert survey(files[:2]).singles == (Frame(files[0]),)


def test_one_shot_in_two_formats_is_one_frame(tmp_path: Path) -> None:
    """Its noise is the same in both, so that one as the other's target would teach to keep it."""
    for number in range(2):
        picture = Image.fromarray(shot(1, number))
        picture.save(tmp_path / f"{number}.jpg", quality=90)
        picture.save(tmp_path / f"{number}.png")
    found = survey(sorted(tmp_path.iterdir()))
    assert (found.scenes, found.copies) == (((Frame(tmp_path / "0.png"), Frame(tmp_path / "1.png")),), 2)
    (tmp_path / "1.png").rename(tmp_path / "2.png")  # names say which belong together, in one folder
    assert len(survey(sorted(tmp_path.iterdir())).frames) == 3


def test_samples_that_are_no_numbers_take_what_is_beside(tmp_path: Path) -> None:
    samples = np.full((20, 30), 0.25, np.float32)
    samples[3, 4] = np.nan
    tifffile.imwrite(tmp_path / "a.tif", samples)
    (pixels,) = pages(tmp_path / "a.tif")
    assert (pixels == 0.25).all()


def test_scenes_that_take_turns_in_a_stack_are_read_page_by_page(tmp_path: Path) -> None:
    stack = tmp_path / "stack.tif"
    shots = [shot(scene, frame) for frame in (0, 1) for scene in (1, 2)]
    tifffile.imwrite(stack, np.stack(shots), photometric="rgb")
    found = survey([stack])
    assert found.frames == tuple(Frame(stack, page) for page in (0, 2, 1, 3))
    for pixels, expected in zip(frames_of(sorted(found.frames)), shots, strict=True):
        np.testing.assert_array_equal(np.rint(pixels * 255), expected)
