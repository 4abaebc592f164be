"""A folder run that is killed (SIGKILL) at random moments, again and again, and then run to its end.

python tests/proofs/killed.py [TIMES]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

PICTURES, ATTEMPTS = 120, 4  # and how often a run is tried to be killed before it may finish
SUFFIXES = (".png", ".jpg", ".tif")


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as place:
        source = Path(place, "in")
        source.mkdir()
        for number in range(PICTURES):
            pixels = random.integers(0, 256, (200, 300, 3), np.uint8)
            Image.fromarray(pixels).save(source / f"{number:03}{SUFFIXES[number % len(SUFFIXES)]}")
        undisturbed, seconds = Path(place, "undisturbed"), time.monotonic()
        assert subprocess.run(command(source, undisturbed), check=False).returncode == 0
        seconds = time.monotonic() - seconds
        killed = half = left = runs = finished = 0
        while killed < times:
            result, attempts = Path(place, f"result-{runs}"), 0
            while attempts < ATTEMPTS and len(visible(result)) < PICTURES:
                running = subprocess.Popen(command(source, result))
                time.sleep(float(random.uniform(0, seconds)))
                running.kill()
                killed += running.wait() < 0
                attempts += 1
                half += wrong(result, undisturbed)
            left += sum(1 for path in result.rglob(".*"))
            assert subprocess.run(command(source, result), check=False).returncode == 0
            finished += len(visible(result)) == PICTURES and wrong(result, undisturbed) == 0
            runs += 1
        print(
            f"killed {killed} times: {half} results that differ from those of an undisturbed run; "
            f"{finished} of {runs} reruns finished all, identical; {left} hidden files were left behind, "
            "which a run removes when they are a minute old"
        )
        sys.exit(bool(half or finished < runs))


def command(source: Path, result: Path) -> list[str]:
    return [sys.executable, "-m", "denoise_cli", str(source), "-o", str(result), "-m", "mean", "-q"]


def visible(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]


def wrong(folder: Path, undisturbed: Path) -> int:
    """How many of the results that are there are not what they should be."""
    return sum(path.read_bytes() != (undisturbed / path.relative_to(folder)).read_bytes() for path in visible(folder))


if __name__ == "__main__":
    main()
