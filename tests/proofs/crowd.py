"""Many at once: processes on one folder, and clients of the page.

python -m tests.proofs.crowd [SECONDS]
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from json import load
from pathlib import Path

import numpy as np
from PIL import Image

from denoise_cli import denoise
from tests.demo.server import served
from tests.proofs.killed import command

PROCESSES, CLIENTS, PICTURES = 8, 32, 60


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        bad = processes(Path(place)) + clients(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0)
    sys.exit(bool(bad))


def processes(place: Path) -> int:
    random, source, result = np.random.default_rng(0), place / "in", place / "out"
    source.mkdir()
    for number in range(PICTURES):
        Image.fromarray(random.integers(0, 256, (200, 300, 3), np.uint8)).save(source / f"{number}.png")
    running = [subprocess.Popen(command(source, result)) for _ in range(PROCESSES)]
    codes = [process.wait() for process in running]
    wrong = 0
    for path in source.iterdir():
        expected = denoise(np.asarray(Image.open(path)), "mean")
        wrong += not np.array_equal(np.asarray(Image.open(result / path.name)), expected)
    left = len(list(result.iterdir())) - PICTURES
    print(
        f"{PROCESSES} processes on one folder: exit codes {set(codes)}, {wrong} wrong results, {left} files left over"
    )
    return wrong + left + sum(codes)


def clients(seconds: float) -> int:
    """Each sends pictures of its own and compares what comes back."""
    with served() as (address, server):
        answers, until, sizes = Counter[str](), time.monotonic() + seconds, []
        threads = [threading.Thread(target=client, args=(n, address, until, answers)) for n in range(CLIENTS)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(seconds / 12)
            sizes.append(megabytes(server.pid))
        for thread in threads:
            thread.join()
    told = ", ".join(f"{count} {what}" for what, count in sorted(answers.items()))
    print(
        f"{CLIENTS} clients for {seconds:.0f} seconds: {told}; memory {' '.join(f'{size:.0f}' for size in sizes)} MiB"
    )
    bad = sum(count for what, count in answers.items() if what not in ("right", "refused (503)"))
    return bad + (answers["right"] == 0)


def client(number: int, address: str, until: float, answers: Counter[str]) -> None:
    random = np.random.default_rng(number)
    while time.monotonic() < until:
        pixels = random.integers(0, 256, (120, 160, 3), np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        try:
            with urllib.request.urlopen(form(f"{address}/api/denoise", file.getvalue())) as answer:
                job = load(answer)
            while job["state"] in ("waiting", "working"):
                with urllib.request.urlopen(f"{address}/api/jobs/{job['id']}?wait") as answer:
                    job = load(answer)
            with urllib.request.urlopen(address + job["result"]) as answer:
                result = np.asarray(Image.open(io.BytesIO(answer.read())))
            answers["right" if np.array_equal(result, denoise(pixels, "mean")) else "wrong"] += 1
        except urllib.error.HTTPError as error:
            answers[f"refused ({error.code})"] += 1
            time.sleep(0.2)
        except Exception as error:  # such as a job without a result, or no answer at all
            answers[f"without an answer ({type(error).__name__})"] += 1


def form(address: str, picture: bytes) -> urllib.request.Request:
    border = uuid.uuid4().hex
    head = f'--{border}\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n'
    fields = (
        head % ("model", "") + "mean\r\n" + head % ("wait", "") + "1\r\n" + head % ("picture", '; filename="a.png"')
    )
    body = fields.encode() + picture + f"\r\n--{border}--\r\n".encode()
    return urllib.request.Request(address, body, {"Content-Type": f"multipart/form-data; boundary={border}"})


def megabytes(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main()
