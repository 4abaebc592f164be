from __future__ import annotations

from pathlib import Path

import pytest

from denoise_cli.batch.plan import make_plan
from denoise_cli.errors import UsageError
from denoise_cli.places import stores
from denoise_cli.places.manifest import listed
from denoise_cli.places.place import place


def results(manifest: Path) -> list[tuple[str, str]]:
    plan = make_plan([manifest], Path("out"), overwrite=True)
    return [(str(job.source), str(job.target)) for job in plan.jobs]


def test_a_text_has_a_name_a_line(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(
        "# shots\na.png\n\nnight/b 1.tif\n/else/c.jpg\nmemory://lab/in/d.png\nfile:///e%20f.png\n"
    )
    assert results(tmp_path / "list.txt") == [
        (f"{tmp_path}/a.png", "out/a.png"),
        (f"{tmp_path}/night/b 1.tif", "out/night/b 1.tif"),
        ("/else/c.jpg", "out/else/c.jpg"),
        ("memory://lab/in/d.png", "out/lab/in/d.png"),
        ("/e f.png", "out/e f.png"),
    ]


def test_a_table_has_a_column_of_names(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('sample,path\n1,"a,b.png"\n2,c.png\n')
    assert [source for source, _ in results(tmp_path / "a.csv")] == [f"{tmp_path}/a,b.png", f"{tmp_path}/c.png"]
    (tmp_path / "b.csv").write_text("picture\nd.png\n")
    assert results(tmp_path / "b.csv") == [(f"{tmp_path}/d.png", "out/d.png")]


def test_a_table_without_heads_loses_no_row(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a.png\nb.png\n")
    assert [target for _, target in results(tmp_path / "a.csv")] == ["out/a.png", "out/b.png"]
    (tmp_path / "noisy").mkdir()
    (tmp_path / "heads.csv").write_text("noisy,clean\na.png,b.png\n")
    assert [target for _, target in results(tmp_path / "heads.csv")] == ["out/a.png"]
    (tmp_path / "scan").write_bytes(b"")
    (tmp_path / "bare.csv").write_text("scan\nscan2\n")
    assert [target for _, target in results(tmp_path / "bare.csv")] == ["out/scan", "out/scan2"]
    (tmp_path / "b.csv").write_text('path\n"' + "a" * 200_000)
    with pytest.raises(UsageError, match="no list of names"):
        results(tmp_path / "b.csv")


def test_heads_and_names_are_taken_as_they_are_meant(tmp_path: Path) -> None:
    for heads in ("id,Path", "id, path", "\n\nid,PATH ", " , \nid,path"):
        (tmp_path / "a.csv").write_text(f"{heads}\n1, a.png  \n\n2,b.png\n")
        assert [target for _, target in results(tmp_path / "a.csv")] == ["out/a.png", "out/b.png"]
    (tmp_path / "a.txt").write_text("a.png  \r\n  # no picture\na.png\n")
    assert [target for _, target in results(tmp_path / "a.txt")] == ["out/a.png"]


def test_rows_that_would_be_lost_are_told(tmp_path: Path) -> None:
    for text, reason in (
        ('path\na.png\n"b.png\nc.png\n', "is no list of names"),
        ("id,path\n1,a.png\n2,\n", "number 2, without a name"),
        ("id,path\n1\n", "number 1, without a name"),
        ("path\n", "names no picture"),
        ("", "names no picture"),
    ):
        (tmp_path / "a.csv").write_text(text)
        with pytest.raises(UsageError, match=reason):
            results(tmp_path / "a.csv")
    (tmp_path / "a.txt").write_text("# nothing\n\n")
    with pytest.raises(UsageError, match="names no picture"):
        results(tmp_path / "a.txt")


def test_a_wrong_row_can_be_heard_of_and_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a.png\n../b.png\nquark://me:pw@lab/c.png\nd.png\n")
    wrong: list[UsageError] = []
    assert [str(below) for _, below in listed(tmp_path / "a.txt", wrong.append)] == ["a.png", "d.png"]
    assert ["outside of the output" in str(wrong[0]), "quark://me@lab" in str(wrong[1])] == [True, True]


def test_a_users_name_is_no_folder_of_the_output(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(stores, "_files", lambda _: None)
    (tmp_path / "a.txt").write_text(
        "sftp://me:pw@lab:22/a.png\nhttp://me:pw@lab/b@1.png?x\nabfs://box@lab.dfs.core.windows.net/c.png\n"
    )
    below = [str(below) for _, below in listed(tmp_path / "a.txt")]
    assert below == ["lab:22/a.png", "lab/b@1.png", "box@lab.dfs.core.windows.net/c.png"]


def test_a_folder_or_one_of_many_inputs_is_no_list(tmp_path: Path) -> None:
    (tmp_path / "in.txt").mkdir()
    (tmp_path / "in.txt" / "a.png").write_bytes(b"")
    assert results(tmp_path / "in.txt") == [(f"{tmp_path}/in.txt/a.png", "out/a.png")]
    (tmp_path / "notes.txt").write_text("buy milk")
    plan = make_plan([tmp_path / "notes.txt", tmp_path / "b.png"], Path("out"))
    assert [job.target for job in plan.jobs] == [Path("out/notes.txt"), Path("out/b.png")]


def test_a_parquet_table_too(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    names = pyarrow.array([b"a.png", b"b.png"])
    parquet.write_table(pyarrow.table({"id": [1, 2], "path": names}), tmp_path / "a.parquet")
    assert results(tmp_path / "a.parquet") == [(f"{tmp_path}/{name}", f"out/{name}") for name in ("a.png", "b.png")]
    (tmp_path / "b.parquet").write_text("no table")
    with pytest.raises(UsageError, match="no Parquet file"):
        results(tmp_path / "b.parquet")


def test_what_leads_out_of_the_output_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("../a.png\n")
    with pytest.raises(UsageError, match="outside of the output"):
        results(tmp_path / "list.txt")


def test_a_list_that_is_none_or_missing_is_told(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(UsageError, match="no list of names"):
        results(tmp_path / "list.txt")
    with pytest.raises(UsageError, match="cannot be read"):
        results(tmp_path / "gone.txt")
    with pytest.raises(UsageError, match="say with -o"):
        make_plan([tmp_path / "list.txt"], None)


def test_lists_may_lie_in_stores_too() -> None:
    manifest = place("memory://lists/a.txt")
    manifest.write_text("x.png\n")
    plan = make_plan([manifest], place("memory://lists/out"))
    assert [(str(job.source), str(job.target)) for job in plan.jobs] == [
        ("memory://lists/x.png", "memory://lists/out/x.png")
    ]


def test_text_in_sixteen_bits_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("a.png\n".encode("utf-16-le"))
    with pytest.raises(UsageError, match="save it as UTF-8"):
        results(tmp_path / "a.txt")


def test_in_place_there_is_no_output_to_lead_out_of(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "list.txt").write_text("../a.png\n")
    plan = make_plan([tmp_path / "lists" / "list.txt"], None, in_place=True)
    assert [(job.source, job.target) for job in plan.jobs] == [(tmp_path / "lists" / "../a.png",) * 2]
