"""Peak memory of the command on a 24-megapixel JPEG, from start to exit."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 6000, 4000


def main() -> None:
    model = sys.argv[1] if len(sys.argv) > 1 else "win5rb"
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder, "in.jpg"), Path(folder, "out.jpg")
        random = np.random.default_rng(0).integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3)).astype(np.uint8)
        Image.fromarray(random).resize((WIDTH, HEIGHT)).save(source, quality=95)
        command = [sys.executable, "-m", "denoise_cli", str(source), "-o", str(result), "-m", model]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        assert Image.open(result).size == (WIDTH, HEIGHT)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{model}: {peak:.0f} MiB at the peak for {WIDTH * HEIGHT / 1e6:.0f} megapixels")


if __name__ == "__main__":
    main()
