"""Damaged files of every format through the main job: a result, or a sentence that refuses. Anything else is a bug.

    python -m tests.proofs.fuzz [COUNT] [SEED]

Blocks of files run in processes of their own, so that a crash of a C library, a hang or too much memory is seen, too.
"""

from __future__ import annotations

import io
import re
import resource
import subprocess
import sys
import time
from collections import Counter

import numpy as np

from denoise_cli.batch.picture import Settings, denoise_stream
from denoise_cli.denoisers.catalogue import load
from denoise_cli.errors import PictureError
from tests.images.test_damage import FILES

BLOCK = 500
SLOW, PATIENCE = 5.0, 300  # seconds that one file may take, and a block
MEMORY = 4 << 30  # bytes of address space
EXTREMES = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x80\0\0\0", b"\0\x01\0\0")


def damaged(data: bytes, random: np.random.Generator) -> bytes:
    """One to three kinds of damage: bytes replaced, numbers made extreme, pieces lost, doubled or moved, ends cut."""
    changed = bytearray(data)
    for _ in range(int(random.integers(1, 4))):
        reach = max(4, len(changed) if random.random() < 0.5 else min(200, len(changed)))
        at, length = int(random.integers(2, reach)), int(random.integers(1, 64))
        match random.integers(6):
            case 0:
                changed[at : at + 1] = bytes([int(random.integers(256))])
            case 1:
                changed[at : at + 4] = EXTREMES[int(random.integers(len(EXTREMES)))]
            case 2:
                del changed[at : at + length]
            case 3:
                changed[at:at] = changed[at : at + length]
            case 4:
                other = int(random.integers(2, max(3, len(changed))))
                changed[at : at + length] = changed[other : other + length]
            case _:
                del changed[at:]
    return bytes(changed)


def block(first: int, count: int, seed: int) -> None:
    """Prints a line for each outcome that is a bug, and one that counts the others."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    settings, found, names = Settings(load("mean")), Counter[str](), list(FILES)
    for number in range(first, first + count):
        name = names[number % len(names)]
        data = damaged(FILES[name], np.random.default_rng([seed, number]))
        print(f"at {number} {name}", file=sys.stderr, flush=True)
        started = time.monotonic()
        try:
            denoise_stream(io.BytesIO(data), io.BytesIO(), None, settings)
            found["denoised"] += 1
        except PictureError as error:
            found["refused"] += 1
            if not re.match(r"(is|has|holds) ", str(error)):  # and not "needs more memory than there is"
                print(f"BUG {number} {name}: no sentence: {error}")
        except Exception as error:
            print(f"BUG {number} {name}: {type(error).__name__}: {error}")
        if (seconds := time.monotonic() - started) > SLOW:
            print(f"BUG {number} {name}: {seconds:.0f} seconds")
    print(f"COUNT {found['denoised']} {found['refused']}")


def main() -> None:
    count, seed = (int(word) for word in (*sys.argv[1:3], *("20000", "0")[len(sys.argv) - 1 :]))
    denoised = refused = bugs = 0
    for first in range(0, count, BLOCK):
        command = [
            sys.executable,
            "-m",
            "tests.proofs.fuzz",
            "--block",
            str(first),
            str(min(BLOCK, count - first)),
            str(seed),
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
            lines, where, end = done.stdout.splitlines(), done.stderr.splitlines()[-1:], done.returncode
        except subprocess.TimeoutExpired as late:
            lines, where, end = [], str(late.stderr or b"").splitlines()[-1:], -1
        if end:
            lines.append(f"BUG process ended with {end}, {where}")
        for line in lines:
            if line.startswith("BUG"):
                bugs += 1
                print(line)
            elif line.startswith("COUNT"):
                denoised, refused = (
                    old + int(new) for old, new in zip((denoised, refused), line.split()[1:], strict=True)
                )
    print(f"{count} damaged files: {denoised} denoised, {refused} refused in a sentence, {bugs} bugs")
    sys.exit(bool(bugs))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--block"]:
        block(*map(int, sys.argv[2:5]))
    else:
        main()
