"""What the command takes besides its work: the help, and one picture of 512 x 512 pixels, from start to exit.

The help is compared with importing typer and rich, which typer itself does only in part before it prints, and with the
help of a typer program of one option; the picture with importing torch and what the network itself takes. All take
turns; medians of seven.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from PIL import Image

from denoise_cli.denoisers.catalogue import load
from denoise_cli.images.formats import first_picture

NOISY = Path(__file__).parents[1] / "data" / "noisy.jpg"
TURNS, SIDE, MODEL = 7, 512, "photo"
LEAST = """
import typer
def main(option: int = 0) -> None:
    "Nothing."
typer.run(main)
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.png"), Path(folder, "out.png")
        Image.open(NOISY).convert("RGB").resize((SIDE, SIDE)).save(source)
        pixels, denoiser = first_picture(source)[0].pixels, load(MODEL)
        denoiser(pixels)  # what is only done once
        command = ("-m", "denoise_cli", str(source), "-o", str(target), "-m", MODEL, "--overwrite")
        ways: dict[str, Callable[[], object]] = {
            "import typer, rich": lambda: python("-c", "import typer, rich"),
            "the least typer program's --help": lambda: python("-c", LEAST, "--help"),
            "--help": lambda: python("-m", "denoise_cli", "--help"),
            "import torch": lambda: python("-c", "import torch"),
            "the network": lambda: denoiser(pixels),
            "the command": lambda: python(*command),
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(TURNS):
            for name, way in ways.items():
                started = time.perf_counter()
                way()
                times[name].append(time.perf_counter() - started)
    taken = {name: median(seconds) for name, seconds in times.items()}
    for name, seconds in taken.items():
        print(f"{name}: {seconds:.2f} s")
    for other in ("import typer, rich", "the least typer program's --help"):
        print(f"--help is {taken['--help'] / taken[other]:.2f}x of {other}")
    least = taken["import torch"] + taken["the network"]
    print(f"{SIDE}² by {MODEL} is {taken['the command'] / least:.2f}x of importing torch and the network")


def python(*words: str) -> None:
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
