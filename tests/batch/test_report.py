"""What the report of a run on a cluster promises."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from denoise_cli.batch import report as module
from denoise_cli.batch.report import Report
from denoise_cli.places.place import exists, place, reading, replacing


@pytest.mark.parametrize("store", ["{here}/out", "memory://report-{name}/out"])
def test_a_report_grows_and_nothing_is_written_where_nothing_was_done(tmp_path: Path, store: str) -> None:
    output = place(store.format(here=tmp_path, name=tmp_path.name))

    def told(*sources: str, anew: bool = False) -> Any:
        report = Report(output, anew=anew)
        for source in sources:
            report.note({"source": source})
        assert report.sources() == set(sources)
        return report.closed()

    def lines() -> list[str]:
        with reading(beside) as file:
            return [json.loads(line)["source"] for line in file]

    beside = output.with_name("out.report.jsonl")
    assert told() == (None, None)
    assert not exists(beside)
    assert told("a", "b") == (beside, None)
    assert told() == (None, None)
    told("c")
    assert lines() == ["a", "b", "c"]
    told(anew=True)
    assert lines() == ["a", "b", "c"]
    with replacing(beside) as file:
        file.write(b'{"source": "a"}\n{"sour')  # cut short, as by a full disk
    told("d")
    with reading(beside) as file:
        assert file.read().splitlines() == [b'{"source": "a"}', b'{"sour', b'{"source": "d"}']
    told("e", anew=True)
    assert lines() == ["e"]


def test_each_line_of_a_report_is_kept_at_once(tmp_path: Path) -> None:
    report = Report(tmp_path / "out", anew=False)
    report.note({"source": "a"})
    assert (tmp_path / "out.report.jsonl").read_text() == '{"source": "a"}\n'


def test_a_report_that_cannot_be_uploaded_stays_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    report = Report(place(f"memory://{tmp_path.name}/out"), anew=False)
    report.note({"source": "a"})
    monkeypatch.setattr(module, "replacing", lambda _: (_ for _ in ()).throw(PermissionError(13, "no", "x")))
    where, unsaved = report.closed()
    assert where is not None and where.read_text() == '{"source": "a"}\n'
    assert unsaved is not None and "out.report.jsonl cannot be written (no); the report is" in unsaved
    with pytest.raises(PermissionError):  # and what can be known before is
        Report(place(f"memory://{tmp_path.name}/new"), anew=False)
