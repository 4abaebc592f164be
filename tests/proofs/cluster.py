"""What a Ray cluster costs and gives: beside the local engine, with one worker and two, over a million names.

python -m tests.proofs.cluster PHOTO [overhead] [workers] [names] [-m MODEL]

Clusters are processes on this machine. PHOTO is cut into pictures; a million names are those of a store that makes them
up, whose pictures nobody opens.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image
from ray.cluster_utils import Cluster as Machines

from denoise_cli.batch.cluster import Cluster, Told, Worker, denoise_on_ray, listing_of
from denoise_cli.batch.wanted import Wanted
from denoise_cli.places.place import place

SMALL, LARGE = (500, 256), (20, 2048)  # pictures, and pixels a side
FOLDERS, NAMES = 1_000, 1_000
STORE = '''
import fsspec

class Names(fsspec.AbstractFileSystem):
    """A store of so many folders with so many pictures each, which it makes up."""
    protocol = "names"

    def ls(self, path, detail=True, **options):
        path = self._strip_protocol(path).strip("/")
        if path == "in":
            return [{{"name": f"in/{{n:04d}}", "size": 0, "type": "directory"}} for n in range({folders})]
        if path.startswith("in/"):
            return [{{"name": f"{{path}}/{{n:06d}}.png", "size": 9, "type": "file"}} for n in range({names})]
        raise FileNotFoundError(path)

    def info(self, path, **options):
        path = self._strip_protocol(path).strip("/")
        if path == "in" or path.startswith("in/") and not path.endswith(".png"):
            return {{"name": path, "size": 0, "type": "directory"}}
        raise FileNotFoundError(path)

fsspec.register_implementation("names", Names)
'''


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path)
    parser.add_argument("parts", nargs="*", default=["overhead", "workers", "names"])
    parser.add_argument("-m", "--model", default="photo")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        if "overhead" in options.parts:
            overhead(options.photo, options.model, work)
        if "workers" in options.parts:
            workers(options.photo, options.model, work)
        if "names" in options.parts:
            names(work)


def overhead(photo: Path, model: str, work: Path) -> None:
    """Whole commands, from start to exit, as their users wait for them."""
    for count, side in (LARGE, SMALL):
        source = cut(photo, work / f"in-{side}", count, side)
        seconds = [
            timed(source, work / f"{engine}-{side}", "-m", model, "--engine", engine) for engine in ("local", "ray")
        ]
        ratio = f"local {seconds[0]:.1f} s, ray {seconds[1]:.1f} s, {seconds[1] / seconds[0]:.2f}x"
        print(f"{count} of {side}² by {model}: {ratio}", flush=True)


def workers(photo: Path, model: str, work: Path) -> None:
    """One node with one core, then two: the pictures a second between the first results and the last."""
    source = cut(photo, work / "in-scaling", 120, 512)
    rates = []
    for count in (1, 2):
        machines = Machines(initialize_head=True, head_node_args={"num_cpus": 0})
        for _ in range(count):
            machines.add_node(num_cpus=1)
        machines.wait_for_nodes()
        times = []
        listing = listing_of([source], work / f"out-{count}")
        for outcome in denoise_on_ray(listing, Wanted(model), Cluster(machines.address), Told()):
            assert outcome.failure is None, outcome.failure
            times.append(time.monotonic())
        first = len(times) // 4  # all workers have begun
        rates.append((len(times) - first) / (times[-1] - times[first - 1]))
        machines.shutdown()
        print(f"{count} workers of one thread: {rates[-1]:.2f} pictures a second", flush=True)
    print(f"twice the workers: {rates[1] / rates[0]:.2f}x")


class NoWork(Worker):
    """A worker that opens nothing."""

    def __init__(self, *_: Any) -> None:
        self.wrong = None

    def _outcome(self, source: str, target: str) -> list[Any]:
        return [source, target, 0.0, 0.0, None, None]


def names(work: Path) -> None:
    """The driver's memory while names go by."""
    (work / "sitecustomize.py").write_text(STORE.format(folders=FOLDERS, names=NAMES))
    os.environ["PYTHONPATH"] = f"{work}:{Path.cwd()}"  # for the workers
    exec((work / "sitecustomize.py").read_text(), {"__name__": "store"})
    started, count = time.monotonic(), 0
    listing = listing_of([place("names://in")], work)
    for outcome in denoise_on_ray(listing, Wanted("median"), Cluster(), Told(), worker=NoWork):
        assert outcome.failure is None
        count += 1
        if count % 100_000 == 0:
            print(f"{count:,} names, {time.monotonic() - started:.0f} s, driver {memory():.0f} MB", flush=True)
    assert count == FOLDERS * NAMES


def cut(photo: Path, folder: Path, count: int, side: int) -> Path:
    folder.mkdir()
    whole = Image.open(photo).convert("RGB")
    while min(whole.size) < side:
        whole = whole.resize((2 * whole.width, 2 * whole.height))
    for number in range(count):
        left, top = (37 * number % (length - side + 1) for length in whole.size)
        whole.crop((left, top, left + side, top + side)).save(folder / f"{number:03d}.jpg", quality=95)
    return folder


def timed(source: Path, target: Path, *words: str) -> float:
    started = time.monotonic()
    command = [sys.executable, "-m", "denoise_cli", str(source), "-o", str(target), "-q", *words]
    subprocess.run(command, check=True)
    return time.monotonic() - started


def memory() -> float:
    """Megabytes that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
