"""Sets of pictures to measure with: clean ones that get noise, or pairs of a noisy and a clean one."""

from __future__ import annotations

from dataclasses import dataclass
from glob import glob
from pathlib import Path

from denoise_cli.batch.plan import MARK
from denoise_cli.errors import PictureError, UsageError
from denoise_cli.images.formats import SUFFIXES, first_pixels
from denoise_cli.images.image import Pixels

SMALLEST_SIDE = 11  # of SSIM's window


@dataclass(frozen=True)
class TestSet:
    """Clean pictures; with `noisy`, the noisy picture of each."""

    name: str
    clean: tuple[Path, ...]
    noisy: tuple[Path, ...] = ()


def clean_set(folder: Path) -> TestSet:
    """The pictures of a folder, in the order of their names.

    Raises UsageError where there is none.
    """
    return TestSet(folder.resolve().name, tuple(pictures(str(folder))))


def paired_set(noisy: str, clean: str) -> TestSet:
    """Pairs of two pictures, two folders or two patterns such as `'set/*_real.png'`.

    The pictures of folders belong together by their names, whatever the suffixes and with or without the `.denoised` of
    a result; those of patterns by their order. Raises UsageError where they do not go together.
    """
    first, second = pictures(noisy), pictures(clean)
    if Path(noisy).is_dir() and Path(clean).is_dir():
        by_name = {_name(path, Path(clean)): path for path in second}
        together = [(path, by_name.get(_name(path, Path(noisy)))) for path in first]
        for path, partner in together:
            if partner is None:
                raise UsageError(f"{path} has no picture of the same name in {clean}")
        second = [partner for _, partner in together if partner is not None]
    elif len(first) != len(second):
        raise UsageError(f"{noisy} are {len(first)} pictures and {clean} are {len(second)}, so they make no pairs")
    folder = Path(clean) if Path(clean).is_dir() else second[0].resolve().parent
    return TestSet(folder.resolve().name, tuple(second), tuple(first))


def read(path: Path) -> Pixels:
    """The pixels of a picture's first page.

    Raises PictureError where it cannot be read or is too small to be measured.
    """
    pixels = first_pixels(path)
    if min(pixels.shape[:2]) < SMALLEST_SIDE:
        raise PictureError(f"{path} is smaller than {SMALLEST_SIDE} pixels a side, too small to measure SSIM")
    return pixels


def read_pair(noisy: Path, clean: Path) -> tuple[Pixels, Pixels]:
    """The pixels of both.

    Raises PictureError, also where their sizes or channels differ.
    """
    pair = read(noisy), read(clean)
    if pair[0].shape != pair[1].shape:
        sizes = [f"{width} x {height} with {channels} channels" for height, width, channels in (p.shape for p in pair)]
        raise PictureError(f"{noisy} is {sizes[0]}, but {clean} is {sizes[1]}")
    return pair


def pictures(place: str) -> list[Path]:
    """Of a folder and all below it, a pattern, or a picture itself; in the order of their names.

    Raises UsageError where there is none.
    """
    path = Path(place)
    if path.is_dir():
        found = [file for file in sorted(path.rglob("*")) if file.suffix.lower() in SUFFIXES and file.is_file()]
        found = [file for file in found if not any(part[0] == "." for part in file.relative_to(path).parts)]
    else:
        found = [path] if path.is_file() else [Path(name) for name in sorted(glob(place))]  # noqa: PTH207, patterns may be absolute
    if not found:
        raise UsageError(f"{place} is no picture and no folder with pictures in it")
    return found


def _name(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder).with_suffix("")).removesuffix(MARK)
