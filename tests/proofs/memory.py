"""Peak memory of the command, from start to exit: on a 24-megapixel JPEG and on a 100-megapixel TIFF.

python tests/proofs/memory.py MODEL [jpg] [tif]
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

SIZES = {"jpg": (6000, 4000), "tif": (10_000, 10_000)}


def main() -> None:
    model, kinds = sys.argv[1], sys.argv[2:] or list(SIZES)
    for kind in kinds:
        width, height = SIZES[kind]
        with tempfile.TemporaryDirectory() as folder:
            source, result = Path(folder, f"in.{kind}"), Path(folder, f"out.{kind}")
            # In a process of its own: the peak of this one would be taken for the command's, which begins as its copy.
            with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                pool.submit(write, source, width, height).result()
            peak = peak_of("-m", "denoise_cli", str(source), "-o", str(result), "-m", model)
            assert size_of(result) == (width, height)
        print(f"{model}: {peak:.0f} MiB at the peak for {width * height / 1e6:.0f} megapixels, {kind}", flush=True)


def write(path: Path, width: int, height: int) -> None:
    random = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8, 3)).astype(np.uint8)
    picture = Image.fromarray(random).resize((width, height))
    if path.suffix == ".jpg":
        picture.save(path, quality=95)
    else:
        tifffile.imwrite(path, np.asarray(picture), photometric="rgb", compression="zlib")


def size_of(path: Path) -> tuple[int, int]:
    if path.suffix == ".jpg":
        return Image.open(path).size
    with tifffile.TiffFile(path) as file:
        height, width = file.pages[0].shape[:2]
    return width, height


def peak_of(*words: str) -> float:
    """Mebibytes."""
    command = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(command.pid, 0)
    assert status == 0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < usage.ru_maxrss
    return usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
