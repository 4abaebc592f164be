"""What a run on a cluster needs no cluster for: lists, options, workers' shares, what was left."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from denoise_cli.batch.cluster import Cluster, Left, Listing, Told, Worker, check, listing_of
from denoise_cli.batch.connection import connected, shares
from denoise_cli.batch.many import Outcome
from denoise_cli.batch.plan import Job
from denoise_cli.batch.wanted import Wanted
from denoise_cli.cli import cluster as cluster_command
from denoise_cli.denoisers import weights
from denoise_cli.denoisers.denoiser import Denoiser, Request
from denoise_cli.errors import UsageError
from denoise_cli.images.image import Canvas, Pixels, Stored
from denoise_cli.places.place import place, reading
from tests.conftest import toy_card, toy_network


def report(output: str) -> list[dict[str, Any]]:
    with reading(place(f"{output}.report.jsonl")) as file:
        return [json.loads(line) for line in file]


def rows_of(listing: Listing | Left) -> list[dict[str, Any]]:
    return [json.loads(str(row["facts"][0])) for row in listing({})]


def test_what_is_wrong_with_a_list_is_told_and_the_others_are_done(tmp_path: Path) -> None:
    names, out = tmp_path / "list.txt", tmp_path / "out"
    names.write_text(f"a.png\n../b.png\na.png\n{tmp_path}/c.png\nmemory:/{tmp_path}/c.png\nquark://x/d.png\ne.png\n")
    rows = rows_of(listing_of([names], out))
    sources = [Path(source).name for row in rows[:-1] for source, _ in row["jobs"]]
    assert sources == ["a.png", "c.png", "e.png"]
    assert rows[-1]["listed"] == 3
    reasons = ["outside of the output", "fall onto another", "cannot be used: quark://x/d.png"]
    assert all(reason in why for reason, (_, why) in zip(reasons, rows[-1]["wrong"], strict=True))
    assert {path for path, _ in rows[-1]["wrong"]} == {str(names)}
    names.write_text("# none")
    assert "names no picture" in rows_of(listing_of([names], out))[0]["error"]


class Books:
    """Ray's, of nodes with so many cores, or cores and GPUs."""

    def __init__(self, *nodes: tuple[float, float]) -> None:
        self._nodes = nodes

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "Resources": {"CPU": cpus, "GPU": gpus}} for cpus, gpus in self._nodes]


def test_workers_get_whole_gpus_or_shares_of_the_cores() -> None:
    assert shares(Books((0, 0), (8, 0), (4, 0)), None) == (3, 4, {"num_cpus": 2.0})
    assert shares(Books((2, 0), (64, 0)), None) == (33, 2, {"num_cpus": 1.0})
    assert shares(Books((8, 0), (4, 0)), 6) == (6, 2, {"num_cpus": 1.0})
    assert shares(Books((8, 4), (8, 4)), None) == (8, None, {"num_gpus": 1, "num_cpus": 1})
    for books, workers in ((Books((2, 0)), 3), (Books((8, 1)), 2), (Books((0, 0)), None)):
        with pytest.raises(UsageError):
            shares(books, workers)


def test_what_is_wrong_with_the_options_is_no_traceback_of_the_cluster() -> None:
    worker = Worker(Wanted("cae", tile="x"))
    assert "tile" in json.loads(str(worker({"facts": np.array(["{}"])})["facts"][0]))["error"]
    assert "no such" in Worker(Wanted("median"))._outcome("/gone.png", "/tmp/x.png")[4].lower()
    with pytest.raises(UsageError, match="through ray://"):
        connected("ray://head:10001")
    for wanted in (Wanted("cae", tile="3"), Wanted("cae", device="tpu"), Wanted("median", size=2)):
        with pytest.raises(UsageError):  # before there is a cluster
            check(wanted)


def test_a_worker_computes_one_picture_at_a_time_and_tells_the_level(tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).normal(128, 10, (60, 60)).astype(np.uint8)).save(tmp_path / "in.png")
    worker, inside, most = Worker(Wanted("nlm")), [], []
    filtering = worker.settings.denoiser

    class Counting(Denoiser):
        card = filtering.card

        def into(self, result: Pixels | Canvas, pixels: Pixels | Stored, request: Request) -> None:
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.02)
            filtering.into(result, pixels, request)
            inside.pop()

        def level_of(self, pixels: Pixels | Stored) -> float:
            return filtering.level_of(pixels)

    worker.settings = replace(worker.settings, denoiser=Counting())
    targets = [str(tmp_path / f"{number}.png") for number in range(6)]
    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(worker._outcome, [str(tmp_path / "in.png")] * 6, targets))
    assert max(most) == 1
    assert [failure for *_, failure, _ in outcomes] == [None] * 6
    assert [sigma for *_, sigma in outcomes] == [pytest.approx(10, rel=0.15)] * 6


def test_an_address_where_nobody_answers_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(UsageError, match=f"no Ray cluster answers at 127.0.0.1:{port}"):
        connected(f"127.0.0.1:{port}")
    for address in ("head", "head:port", ":6379"):
        with pytest.raises(UsageError, match="auto or HOST:PORT"):
            connected(address)


def test_results_that_might_meet_are_refused(tmp_path: Path) -> None:
    for name in ("a/in", "b/in", "out/in"):
        (tmp_path / name).mkdir(parents=True)
    with pytest.raises(UsageError, match="have one name"):
        listing_of([tmp_path / "a" / "in", tmp_path / "b" / "in"], tmp_path / "out")
    with pytest.raises(UsageError, match="have one name"):
        listing_of([tmp_path / "a" / "1.png", tmp_path / "b" / "1.png"], tmp_path / "out")
    with pytest.raises(UsageError, match="lies in the output"):
        listing_of([tmp_path / "out" / "in"], tmp_path / "out")
    with pytest.raises(UsageError, match="not both"):
        listing_of([tmp_path / "a", tmp_path / "1.png"], tmp_path / "out")
    with pytest.raises(UsageError, match="named like a picture"):
        listing_of([tmp_path / "1.png"], tmp_path / "2.png")


def test_what_groups_left_is_done_one_by_one_and_what_is_lost_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names, out = tmp_path / "list.txt", tmp_path / "out"
    names.write_text("/pictures/00.png\n/pictures/04.png\n/pictures/08.png\n../x.png\n")
    asked = []

    def engine(listing: Listing | Left, _: Wanted, __: Cluster, told: Told) -> Iterator[Outcome]:
        """Of three pictures it does the first, and then the second."""
        rows = rows_of(listing)
        asked.append([Path(source).name for row in rows[:-1] for source, _ in row["jobs"]])
        told.listed, told.wrong = rows[-1]["listed"], tuple(rows[-1]["wrong"])
        source, target = next(job for row in rows[:-1] for job in row["jobs"])
        yield Outcome(Job(place(source), place(target)), 1.0, 1.0, sigma=12.346)

    monkeypatch.setattr(cluster_command, "denoise_on_ray", engine)
    how = {"overwrite": False, "as_json": False, "quiet": True, "verbose": True}
    assert cluster_command.run_on_ray([names], out, Wanted("median"), Cluster(), **how) == 1
    assert f"/pictures/00.png -> {out}/pictures/00.png (noise level 12.3)" in capsys.readouterr().err
    assert asked == [["00.png", "04.png", "08.png"], ["04.png", "08.png"]]
    told = report(str(out))
    names = {"source": "/pictures/00.png", "result": f"{out}/pictures/00.png"}
    assert told[0] == {**names, "megapixels": 1.0, "sigma": 12.35, "seconds": 1.0}
    lines = [(Path(line["source"]).name, "reason" in line) for line in told]
    assert lines == [("00.png", False), ("04.png", False), ("list.txt", True), ("08.png", True)]


def test_listed_pictures_that_lie_in_the_output_are_not_overwritten(tmp_path: Path) -> None:
    names, out = tmp_path / "list.txt", tmp_path / "clean"
    names.write_text("a.png\nclean/a.png\n")
    rows = {again: rows_of(listing_of([names], out, overwrite=again)) for again in (False, True)}
    assert rows[False][-1]["wrong"] == []
    assert rows[True][-1]["wrong"] == [[str(names), f"names {out}/a.png, which lies in the output folder"]]
    assert [len(row["jobs"]) for row in rows[True][:-1]] == [1]


def test_weights_that_are_damaged_are_no_wrong_usage(tmp_path: Path) -> None:
    weights.write(tmp_path / "toy.safetensors", toy_card("cae"), toy_network("cae").state_dict())
    content = bytearray((tmp_path / "toy.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / "toy.safetensors").write_bytes(content)
    worker = Worker(Wanted(str(tmp_path / "toy.safetensors")))
    facts = json.loads(str(worker({"facts": np.array(["{}"])})["facts"][0]))
    assert "is damaged" in facts["error"]
    assert facts["usage"] is False
