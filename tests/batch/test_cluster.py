"""A Ray cluster on this machine, of three nodes that are processes of their own, and an S3 server on loopback."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from denoise_cli.batch import cluster as cluster_engine
from denoise_cli.batch.cluster import Cluster, Left, Listing, Worker, listing_of
from denoise_cli.batch.wanted import Wanted
from denoise_cli.cli import cluster as cluster_command
from denoise_cli.places import stores
from denoise_cli.places.files import TEMPORARY
from denoise_cli.places.place import place, reading, replacing, walk

NOISY = Path(__file__).parents[1] / "data" / "noisy.jpg"
PICTURES, SIDE = 60, 192


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty, one file that is none, and one of another kind."""
    folder = tmp_path_factory.mktemp("pictures")
    whole = Image.open(NOISY)
    for number in range(PICTURES):
        path = folder / str(number % 4) / f"{number:02d}.png"
        path.parent.mkdir(exist_ok=True)
        whole.crop((number, 0, number + SIDE, SIDE)).save(path)
    (folder / "bad.png").write_bytes(b"no picture")
    (folder / "notes.pdf").write_bytes(b"notes")
    return folder


@pytest.fixture(scope="module")
def local(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the local engine makes of them: contents by names."""
    folder = tmp_path_factory.mktemp("local")
    assert command(pictures, folder).returncode == 1
    return contents(str(folder))


class Store:
    """An S3 server's application, of whose answers a share says that it is busy; half of these when all was done."""

    def __init__(self) -> None:
        from moto.server import DomainDispatcherApplication, create_backend_app

        self._whole = DomainDispatcherApplication(create_backend_app)
        self._chance = random.Random(0)
        self.share = 0.0
        self.failed = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        lot = self._chance.random()
        if lot >= self.share:
            return self._whole(environ, start_response)
        self.failed += 1
        if lot < self.share / 2:
            list(self._whole(environ, lambda *_: None))
        start_response("503 Slow Down", [("Content-Type", "application/xml"), ("Connection", "close")])
        return [b"<Error><Code>SlowDown</Code><Message>busy</Message></Error>"]


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    pytest.importorskip("moto.server")
    from werkzeug.serving import make_server

    store = Store()
    server = make_server("127.0.0.1", 0, store, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
            patch.setenv(name, "us-east-1")
        yield store
    server.shutdown()


@pytest.fixture(scope="module")
def s3(store: Store) -> str:
    """A bucket's URL."""
    place("s3://lab").fs.mkdir("lab")
    return "s3://lab"


@pytest.fixture(scope="module")
def cluster(s3: str) -> Iterator[Any]:
    """A head that computes nothing, and two nodes, which know where S3 is."""
    machinery = pytest.importorskip("ray.cluster_utils")
    soon = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500, "health_check_failure_threshold": 3}
    cluster = machinery.Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "_system_config": soon})
    for _ in range(2):
        cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    yield cluster
    cluster.shutdown()


def command(source: object, target: object, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(start(source, target, *words), capture_output=True, text=True)


def start(source: object, target: object, *words: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "denoise_cli",
        str(source),
        "-o",
        str(target),
        "-m",
        "cae",
        "--precision",
        "fp32",
        *words,
    ]


def contents(folder: str) -> dict[str, bytes]:
    found = {}
    for here, _, names in walk(place(folder), lambda *what: pytest.fail(str(what))):
        for name in names:
            with reading(here / name) as file:
                found[f"{here.name}/{name}"] = file.read()
    return found


def report(output: str) -> list[dict[str, Any]]:
    with reading(place(f"{output}.report.jsonl")) as file:
        return [json.loads(line) for line in file]


def test_from_s3_to_s3_on_a_cluster_the_same_bytes(
    cluster: Any, s3: str, pictures: Path, local: dict[str, bytes]
) -> None:
    place(s3).fs.put(str(pictures), "lab/in", recursive=True)
    words = ("--engine", "ray", "--address", cluster.address, "--workers", "2")
    done = command(f"{s3}/in", f"{s3}/out", *words, "--json")
    assert done.returncode == 1, done.stderr
    assert "bad.png is not a picture" in done.stderr
    facts = json.loads(done.stdout)
    assert (facts["denoised"], facts["failed"], facts["other_files"]) == (PICTURES, 1, 1)
    assert contents(f"{s3}/out") == local
    lines = report(f"{s3}/out")
    assert len(lines) == PICTURES + 1
    assert [line["source"] for line in lines if "reason" in line] == [f"{s3}/in/bad.png"]

    again = command(f"{s3}/in", f"{s3}/out", *words)
    assert f"0 denoised, {PICTURES} there already" in again.stderr


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_a_store_that_fails_in_a_tenth_of_its_calls_is_asked_again(
    engine: str, cluster: Any, store: Store, s3: str, pictures: Path, local: dict[str, bytes]
) -> None:
    place(s3).fs.put(str(pictures), f"lab/busy-{engine}", recursive=True)
    words = ("--engine", "ray", "--address", cluster.address, "--workers", "2") if engine == "ray" else ()
    store.share, store.failed = 0.1, 0
    try:
        done = command(f"{s3}/busy-{engine}", f"{s3}/{engine}", *words)
    finally:
        store.share = 0.0
    assert done.returncode == 1, done.stderr
    assert "1 failed" in done.stderr
    assert store.failed > 10
    assert contents(f"{s3}/{engine}") == local


def test_what_s3_has_and_paths_have_not_is_told(s3: str, pictures: Path, tmp_path: Path) -> None:
    files = place(s3).fs
    for key in ("odd/", "odd/a.png", "odd//b.png", "odd/sub//c.png"):
        body = (pictures / "0" / "00.png").read_bytes() if key.endswith(".png") else b""
        files.call_s3("put_object", Bucket="lab", Key=key, Body=body)
    unreadable: list[tuple[Any, str]] = []
    found = [(str(here), names) for here, _, names in walk(place(f"{s3}/odd"), lambda *what: unreadable.append(what))]
    assert found == [(f"{s3}/odd", ["a.png"]), (f"{s3}/odd/sub", [])]
    assert [(str(folder), why) for folder, why in unreadable] == [
        (f"{s3}/odd", stores.EMPTY),
        (f"{s3}/odd/sub", stores.EMPTY),
    ]
    with pytest.raises(FileNotFoundError, match="there is no bucket gone"), replacing(place("s3://gone/a.png")):
        pass


def test_the_local_engine_takes_s3_too(s3: str, pictures: Path, local: dict[str, bytes]) -> None:
    place(s3).fs.put(str(pictures / "1"), "lab/one", recursive=True)
    assert command(f"{s3}/one", f"{s3}/clean").returncode == 0
    assert contents(f"{s3}/clean") == {
        name.replace("1/", "clean/"): data for name, data in local.items() if name.startswith("1/")
    }


def test_a_node_that_is_lost_half_way_costs_nothing(
    cluster: Any, pictures: Path, local: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ("--engine", "ray", "--address", cluster.address, "--workers", "2", "-q")
    with subprocess.Popen(start(pictures, out, *words), stderr=subprocess.PIPE) as run:
        deadline = time.monotonic() + 120
        while len(list(out.rglob("*.png"))) < PICTURES // 4:
            assert run.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
        assert len(list(out.rglob("*.png"))) < PICTURES
        run.communicate(timeout=200)
    assert run.returncode == 1  # for the file that is no picture
    whole = {name: data for name, data in contents(str(out)).items() if TEMPORARY not in name}
    assert whole == local  # beside them lies what the lost node was writing, hidden, until the next run
    sources = [line["source"] for line in report(str(out))]
    assert len(sources) == len(set(sources)) == PICTURES + 1


class Mortal(Worker):
    """A worker that one of the pictures kills."""

    def _outcome(self, source: str, target: str) -> list[Any]:
        if source.endswith("03.png"):
            os.kill(os.getpid(), signal.SIGKILL)
        return super()._outcome(source, target)


def test_a_picture_that_kills_its_worker_costs_no_other(
    cluster: Any, pictures: Path, local: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("GROWS_AFTER", 1), ("FOR_EACH_WORKER", 1), ("RETRIES", 0)):  # large groups, soon given up
        monkeypatch.setattr(cluster_engine, name, value)
    monkeypatch.setattr(cluster_command, "denoise_on_ray", partial(cluster_engine.denoise_on_ray, worker=Mortal))
    wanted, where = Wanted("cae", precision="fp32"), Cluster(cluster.address, workers=1)
    out, how = tmp_path / "out", {"overwrite": False, "as_json": False, "quiet": True, "verbose": False}
    assert cluster_command.run_on_ray([pictures / "3"], out, wanted, where, **how) == 1
    failures = [(Path(line["source"]).name, line["reason"]) for line in report(str(out)) if "reason" in line]
    assert failures == [("03.png", cluster_command.LOST)]
    rest = {name: data for name, data in local.items() if name.startswith("3/") and name != "3/03.png"}
    assert {f"3/{path.name}": path.read_bytes() for path in out.glob("[!.]*.png")} == rest


def rows_of(listing: Listing | Left) -> list[dict[str, Any]]:
    return [json.loads(str(row["facts"][0])) for row in listing({})]


def test_a_listing_is_made_bit_by_bit_and_does_not_change_under_way(pictures: Path, tmp_path: Path) -> None:
    listing = listing_of([pictures], tmp_path)
    rows = listing({})
    first = json.loads(next(rows)["facts"][0])
    assert first == {"jobs": [[f"{pictures}/bad.png", f"{tmp_path}/bad.png"]], "there_already": 0}
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "00.png").write_bytes(b"done meanwhile")
    again = rows_of(listing)  # as Ray does when the listing's node is lost, passing over what it has had
    assert again[0] == first
    assert again[1] == {"jobs": [], "there_already": 1}
    assert again[-1] == {"listed": PICTURES + 1, "others": 1, "unreadable": [], "wrong": []}
    assert len(again) == PICTURES + 2
    assert rows_of(listing_of([pictures], tmp_path, overwrite=True))[1]["there_already"] == 0


def test_a_worker_is_what_the_local_engine_is(pictures: Path, local: dict[str, bytes], tmp_path: Path) -> None:
    from denoise_cli.denoisers.catalogue import weights_file

    weights = weights_file("cae")
    for wanted in (
        Wanted("cae", precision="fp32").portable(),
        Wanted(weights.name, weights.read_bytes(), precision="fp32"),
    ):
        target = tmp_path / "00.png"
        facts = json.dumps({"jobs": [[str(pictures / "0" / "00.png"), str(target)]]})
        (outcome,) = json.loads(Worker(wanted)({"facts": np.array([facts])})["facts"][0])["outcomes"]
        assert outcome[4:] == [None, None]  # no failure, and a model that takes no level
        assert target.read_bytes() == local["0/00.png"]
    assert Wanted("cae").portable() == Wanted("cae")
    assert Wanted(str(weights)).portable() == Wanted(weights.name, weights.read_bytes())  # that file alone
