"""Sets of pictures to measure with: clean ones that get noise, or pairs of a noisy and a clean one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from denoise_cli.batch.plan import MARK, Passed, matching, picture_of, pictures_below
from denoise_cli.errors import PictureError, UsageError
from denoise_cli.images.formats import check_white, first_picture
from denoise_cli.images.hidden import visible
from denoise_cli.images.image import Image, Pixels, rescaled
from denoise_cli.places.place import local

SMALLEST_SIDE = 11  # of SSIM's window


@dataclass(frozen=True)
class TestSet:
    """Clean pictures; with `noisy`, the noisy picture of each. `white`: see `formats.read`."""

    name: str
    clean: tuple[Path, ...]
    noisy: tuple[Path, ...] = ()
    white: float | None = None

    def __post_init__(self) -> None:
        """Raises UsageError for what is no white."""
        check_white(self.white)


def clean_set(folder: str | Path, white: float | None = None) -> TestSet:
    """The pictures of a folder, in the order of their names.

    Raises UsageError where there is none.
    """
    return TestSet(Path(folder).resolve().name, tuple(pictures(str(folder))), white=white)


def paired_set(noisy: str, clean: str, white: float | None = None, *, results: bool = False) -> TestSet:
    """Pairs of two pictures, two folders or two patterns such as `'set/*_real.png'`.

    The pictures of folders belong together by their names, whatever the suffixes where a name is there once, and with
    or without the `.denoised` of a result; those of patterns by their order. `results`: the first ones are not noisy
    but results, and none is passed over. Raises UsageError where they do not go together.
    """
    first, second = (_found if results else pictures)(noisy), _found(clean)
    if Path(noisy).is_dir() and Path(clean).is_dir():
        named: dict[str, list[Path]] = {}
        for path in second:
            named.setdefault(_name(path, Path(clean)), []).append(path)
        second = [_partner(path, named.get(_name(path, Path(noisy)), []), clean) for path in first]
    elif len(first) != len(second):
        raise UsageError(
            f"{noisy} and {clean} make no pairs, as their numbers of pictures differ: {len(first)} and {len(second)}"
        )
    folder = Path(clean) if Path(clean).is_dir() else second[0].resolve().parent
    return TestSet(folder.resolve().name, tuple(second), tuple(first), white)


def read(path: Path, white: float | None = None) -> Pixels:
    """Raises PictureError where a picture cannot be read, or is too small to be measured."""
    return visible(_picture(path, white))


def _picture(path: Path, white: float | None) -> Image:
    image, count = first_picture(path, white)
    if count > 1:
        raise PictureError(f"{path} holds {count} pictures, and only files of one are measured")
    if min(image.shape[:2]) < SMALLEST_SIDE:
        raise PictureError(f"{path} is smaller than {SMALLEST_SIDE} pixels a side, too small to measure SSIM")
    return image


def read_pair(noisy: Path, clean: Path, white: float | None = None) -> tuple[Pixels, Pixels]:
    """The pixels of both. Where white is a guess from the samples, that of the clean one holds for both.

    Raises PictureError, also where their sizes or channels differ.
    """
    image, truth = _picture(noisy, white), _picture(clean, white)
    whites = [form.says_white for form in (image.format, truth.format)]
    if not any(whites) and (image.format.dtype.kind == "f") == (truth.format.dtype.kind == "f"):
        image = rescaled(image, truth.format.white)
    pair = visible(image), visible(truth)
    if pair[0].shape != pair[1].shape:
        sizes = [f"{width} x {height} with {channels} channels" for height, width, channels in (p.shape for p in pair)]
        raise PictureError(f"{noisy} is {sizes[0]}, but {clean} is {sizes[1]}")
    return pair


def pictures(place: str) -> list[Path]:
    """Of a folder and all below it, a pattern, or a picture itself; in the order of their names.

    Results beside their pictures, as NAME.denoised.EXT, are passed over. Raises UsageError where there is none, and for
    a folder that cannot be read.
    """
    found = _found(place)
    there = {(path.parent, path.name) for path in found}
    return [path for path in found if (path.parent, picture_of(path.name)) not in there]


def _found(place: str) -> list[Path]:
    path = local(place)
    if path.is_dir():
        passed = Passed()
        below = (Path(str(here), name) for here, names in pictures_below(path, passed) for name in names)
        found = sorted(file for file in below if file.is_file())
        for folder, why in passed.unreadable:
            raise UsageError(f"{folder} cannot be read ({why})")
    else:
        found = [path] if path.is_file() else matching(place)
    if not found:
        raise UsageError(f"{place} is no picture and no folder with pictures in it")
    return found


def _partner(path: Path, named: list[Path], folder: str) -> Path:
    """Of those with its name, that of the same suffix and without `.denoised`. Raises UsageError."""
    alike = [other for other in named if other.suffix.lower() == path.suffix.lower()] or named
    alike = [other for other in alike if not other.stem.endswith(MARK)] or alike
    if not alike:
        raise UsageError(f"{path} has no picture of the same name in {folder}")
    if len(alike) > 1:
        raise UsageError(f"{path} has several pictures of the same name in {folder}, such as {alike[0]} and {alike[1]}")
    return alike[0]


def _name(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder).with_suffix("")).removesuffix(MARK)
