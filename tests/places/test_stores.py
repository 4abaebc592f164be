"""Pictures behind URLs, in a store in memory, in one that fails now and then, and on a web server."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from PIL import Image

from denoise_cli.batch.many import Outcome, denoise_all
from denoise_cli.batch.picture import Settings
from denoise_cli.batch.plan import make_plan
from denoise_cli.denoisers import classical
from denoise_cli.denoisers.catalogue import card, load
from denoise_cli.errors import UsageError, WeightsError
from denoise_cli.places import stores
from denoise_cli.places.place import (
    exists,
    identity,
    is_folder,
    local,
    name_of,
    place,
    reading,
    replacing,
    suffix_of,
    text_of,
    walk,
    writable,
)

FAILURES = 0.1  # share of a flaky store's calls
SETTINGS = Settings(classical.build("median"))


class Flaky(MemoryFileSystem):
    """A store of which one call in ten fails, each with an error of its own kind."""

    protocol = "flaky"
    store: dict[str, Any] = {}  # noqa: RUF012 - as in the class above
    pseudo_dirs = [""]  # noqa: RUF012
    chance = random.Random(0)
    calls = failed = 0

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.replace("flaky://", "memory://")))

    def _may_fail(self) -> None:
        Flaky.calls += 1
        if self.chance.random() < FAILURES:
            Flaky.failed += 1
            raise self.chance.choice([ConnectionResetError, TimeoutError, RuntimeError])("the store is busy")

    def ls(self, path: str, detail: bool = True, **options: Any) -> Any:
        self._may_fail()
        return super().ls(path, detail=detail, **options)

    def info(self, path: str, **options: Any) -> Any:
        self._may_fail()
        return super().info(path, **options)

    def get_file(self, *words: Any, **options: Any) -> None:
        self._may_fail()
        super().get_file(*words, **options)

    def put_file(self, *words: Any, **options: Any) -> None:
        self._may_fail()
        super().put_file(*words, **options)
        self._may_fail()

    def mv(self, *words: Any, **options: Any) -> None:
        self._may_fail()
        super().mv(*words, **options)


@pytest.fixture(params=["memory", "flaky"])
def bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a folder with pictures; results go where it says."""
    fsspec.register_implementation("flaky", Flaky, clobber=True)
    monkeypatch.setattr(stores, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(stores, "TRIES", 9)  # or one call in ten millions would fail for good
    for store in (MemoryFileSystem.store, Flaky.store):
        store.clear()
    kind = MemoryFileSystem if request.param == "memory" else Flaky
    pixels = np.random.default_rng(0).integers(0, 256, (24, 20, 3), np.uint8)
    for number in range(30):
        path = f"/lab/in/{number % 3}/{number:02d}.png"
        with fsspec.filesystem("memory").open("/tmp.png", "wb") as file:
            Image.fromarray(np.roll(pixels, number)).save(file, "PNG")
        kind.store[path] = MemoryFileSystem.store.pop("/tmp.png")
    kind.store["/lab/in/notes.txt"] = kind.store["/lab/in/0/00.png"]
    yield f"{request.param}://lab"


def run(inputs: list[str], output: str, *, overwrite: bool = False) -> tuple[Any, list[Outcome]]:
    plan = make_plan([place(name) for name in inputs], place(output), overwrite=overwrite)
    outcomes: list[Outcome] = []
    denoise_all(plan.jobs, SETTINGS, done=outcomes.append)
    return plan, outcomes


@pytest.mark.filterwarnings("ignore:.*not explicitly implemented")
def test_a_folder_of_a_store_becomes_one_and_goes_on_where_it_ended(bucket: str, tmp_path: Path) -> None:
    plan, outcomes = run([f"{bucket}/in"], f"{bucket}/out")
    assert plan.others == 1
    assert [outcome.failure for outcome in outcomes] == [None] * 30
    found = {here.name: sorted(names) for here, _, names in walk(place(f"{bucket}/out"), pytest.fail)}
    assert found["1"] == [f"{number:02d}.png" for number in range(1, 30, 3)]
    assert sum(map(len, found.values())) == 30

    plan, outcomes = run([f"{bucket}/in"], f"{bucket}/out")
    assert (plan.jobs, plan.there_already) == ((), 30)

    _, outcomes = run([f"{bucket}/in/2"], str(tmp_path))  # from a store to this machine: the same bytes
    with reading(place(f"{bucket}/out/2/02.png")) as file:
        assert file.read() == (tmp_path / "02.png").read_bytes()
    if bucket.startswith("flaky"):
        assert Flaky.failed > 10


@pytest.mark.filterwarnings("ignore:.*not explicitly implemented")
def test_nothing_half_written_appears_in_a_store(bucket: str) -> None:
    target = place(f"{bucket}/out/a.bin")
    with pytest.raises(ZeroDivisionError), replacing(target) as file:
        file.write(b"half")
        _ = 1 / 0
    assert not exists(target)
    assert stores.names_in(place(f"{bucket}/out")) == frozenset()


def test_urls_are_told_from_paths(tmp_path: Path) -> None:
    assert place("a/b.png") == Path("a/b.png")
    assert place(f"file://{tmp_path}/a%20b.png") == tmp_path / "a b.png"
    assert identity(place("memory://lab/in/")) == identity(place("memory://lab/in"))
    assert place("file://localhost/a.png") == Path("/a.png")
    assert place("S3A://lab/in") == place("s3://lab/in")
    with pytest.raises(UsageError, match="on another machine, server"):
        place("file://server/share/a.png")
    with pytest.raises(UsageError, match="empty name"):
        place("")
    with pytest.raises(UsageError, match="no URL that can be used"):
        place("quark://lab/in")


@pytest.mark.parametrize("name", ["a b.png", "a#1.png", "a?1.png", "a%20.png", "a::b.png", "ä.png"])
def test_names_of_objects_come_back_from_their_text(name: str) -> None:
    there = place("memory://lab/in") / name
    assert there.path == f"/lab/in/{name}"
    assert place(str(there)).path == there.path
    assert (name_of(there), suffix_of(there)) == (name, ".png")


def test_of_the_web_only_the_name_counts() -> None:
    there = place("https://host.invalid/in/a.JPG?size=1/2")
    assert (name_of(there), suffix_of(there)) == ("a.JPG", ".jpg")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sftp://me:p%40@lab.org:22/in", "sftp://me@lab.org:22/in"),
        ("ftp://lab.org/in", "ftp://lab.org/in"),
        ("smb://me:pw@lab/share", "smb://me@lab/share"),
        ("hdfs://node:9000/in", "hdfs://node:9000/in"),
        ("webdav+https://me:pw@lab.org:8/in", "webdav+https://me@lab.org:8/in"),
        ("abfs://box@lab.dfs.core.windows.net/in", "abfs://box@lab.dfs.core.windows.net/in"),
        ("http://me:pw@lab.org/in?x=1", "http://me@lab.org/in?x=1"),
    ],
)
def test_a_server_stays_in_a_places_text_and_its_password_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, url: str, shown: str
) -> None:
    monkeypatch.setattr(stores, "_files", lambda _: None)  # no server, and no package that would ask it
    there = place(url)
    assert (str(there), identity(there), text_of(there)) == (shown, shown, url)
    for name in ("a b.png", "a#1.png", "a?1.png"):
        assert str(there / name) == f"{shown}/{name}"
        assert (there / name).parent == there
        if writable(there):
            again = place(text_of(there / name))
            assert (again, again.storage_options) == (there / name, there.storage_options)
    assert identity(there) != identity(place(url.replace("lab", "other").replace("node", "other")))


def test_no_sentence_has_a_password() -> None:
    with pytest.raises(UsageError, match="quark://me@lab") as told:
        place("quark://me:secret@lab/in")
    assert "secret" not in str(told.value)


def test_damaged_weights_are_named_by_their_url() -> None:
    there = place("memory://lab/net.safetensors")
    there.write_bytes(b"no weights")
    for use in (card, load):
        with pytest.raises(WeightsError, match=f"^{there} is not a weights file"):
            use(str(there))


def test_a_url_where_only_a_path_can_be_is_refused() -> None:
    with pytest.raises(UsageError, match="is a URL, and this takes a path"):
        local("s3://lab/net.safetensors")


def test_a_store_that_fails_for_good_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "TRIES", 3)
    monkeypatch.setattr(stores, "FIRST_WAIT", 0.01)
    calls = []

    def busy(files: Any) -> None:
        calls.append(files)
        raise RuntimeError("slow down")

    with pytest.raises(OSError, match="slow down, 3 times") as told:
        stores.patiently(stores.at("memory://lab/a.png"), busy)
    assert len(calls) == 3
    assert told.value.filename == "memory://lab/a.png"
    with pytest.raises(FileNotFoundError), reading(place("memory://lab/nothing.png")):
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{web.server_address[1]}"
        web.shutdown()


def test_pictures_on_the_web_are_read_but_not_written(server: str, tmp_path: Path) -> None:
    Image.new("RGB", (20, 20), "red").save(tmp_path / "a.png")
    assert not is_folder(place(f"{server}/a.png"))
    with pytest.raises(UsageError, match="a folder on the web"):
        make_plan([place(f"{server}/pictures/")], tmp_path / "out")
    _, outcomes = run([f"{server}/a.png?size=full"], f"{tmp_path}/out/b.png")
    assert [outcome.failure for outcome in outcomes] == [None]
    assert Image.open(tmp_path / "out" / "b.png").size == (20, 20)
    with pytest.raises(UsageError, match="can only be read"):
        run([f"{server}/a.png"], f"{server}/b.png")
    with pytest.raises(UsageError, match="can only be read"):
        make_plan([place(f"{server}/a.png")], None)
    _, (outcome,) = run([f"{server}/none.png"], f"{tmp_path}/none.png")
    assert outcome.failure == "cannot be read (there is no such file)"
