from __future__ import annotations

import os
from pathlib import Path

import pytest

from denoise_cli.batch.plan import Job, make_plan, places
from denoise_cli.errors import UsageError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "in"
    for name in ("a.jpg", "a.png", "sub/a.jpg", "sub/deep/b.TIF", "notes.txt", ".hidden.png", ".git/c.png"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return root


def targets(plan: object) -> list[str]:
    return [str(job.target) for job in plan.jobs]  # type: ignore[attr-defined]


def test_one_file_goes_beside_into_a_file_or_into_a_folder(tree: Path, tmp_path: Path) -> None:
    source = tree / "a.jpg"
    assert make_plan([source], None).jobs == (Job(source, tree / "a.denoised.jpg"),)
    assert make_plan([source], tmp_path / "new" / "b.png").jobs == (Job(source, tmp_path / "new" / "b.png"),)
    assert make_plan([source], tmp_path).jobs == (Job(source, tmp_path / "a.jpg"),)
    assert make_plan([source], tmp_path / "new", into_folder=True).jobs == (Job(source, tmp_path / "new" / "a.jpg"),)
    plain = tmp_path / "plain"
    assert make_plan([plain], None).jobs == (Job(plain, tmp_path / "plain-denoised"),)


def test_a_tree_is_kept(tree: Path, tmp_path: Path) -> None:
    plan = make_plan([tree], tmp_path / "out")
    expected = ["a.jpg", "a.png", "sub/a.jpg", "sub/deep/b.TIF"]
    assert targets(plan) == [str(tmp_path / "out" / name) for name in expected]
    assert plan.others == 2


def test_several_folders_get_a_folder_each(tree: Path, tmp_path: Path) -> None:
    plan = make_plan([tree / "sub", tree / "sub" / "deep"], tmp_path / "out")
    assert str(tmp_path / "out" / "deep" / "b.TIF") in targets(plan)
    assert str(tmp_path / "out" / "sub" / "deep" / "b.TIF") in targets(plan)


def test_a_picture_beside_a_folder_changes_nothing_about_the_folder(tree: Path, tmp_path: Path) -> None:
    plan = make_plan([tree / "sub", tree / "a.png"], tmp_path / "out")
    assert targets(plan) == [str(tmp_path / "out" / name) for name in ("a.jpg", "deep/b.TIF", "a.png")]


def test_the_output_folder_may_lie_in_the_input_and_is_not_read(tree: Path) -> None:
    first = make_plan([tree], tree / "clean")
    for job in first.jobs:
        job.target.parent.mkdir(parents=True, exist_ok=True)
        job.target.write_bytes(b"done")
    second = make_plan([tree], tree / "clean")
    assert second.jobs == ()
    assert second.there_already == len(first.jobs) == 4
    assert make_plan([tree], tree / "clean", overwrite=True).jobs == first.jobs


def test_in_place_means_the_inputs(tree: Path) -> None:
    plan = make_plan([tree], None, in_place=True)
    assert all(job.source == job.target for job in plan.jobs)
    assert len(plan.jobs) == 4


def test_in_place_follows_a_link_to_its_file(tree: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.jpg"
    link.symlink_to(tree / "a.jpg")
    assert make_plan([link], None, in_place=True).jobs == (Job(link, tree / "a.jpg"),)


def test_in_place_stays_in_its_folder_and_keeps_names_as_they_were_given(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / "sub" / "out.jpg").symlink_to("../a.jpg")
    (tree / "sub" / "in.jpg").symlink_to("a.jpg")
    monkeypatch.chdir(tree)
    plan = make_plan([Path("sub")], None, in_place=True)
    assert targets(plan) == ["sub/a.jpg", "sub/deep/b.TIF"]
    assert plan.others == 1
    assert len(make_plan([Path("sub")], Path("clean")).jobs) == 4


def test_what_is_named_twice_is_planned_once(tree: Path, tmp_path: Path) -> None:
    plan = make_plan([tree / "a.jpg", tree / "sub" / ".." / "a.jpg", tree / "a.png"], tmp_path / "out")
    assert targets(plan) == [str(tmp_path / "out" / name) for name in ("a.jpg", "a.png")]


def test_patterns_stand_for_files_where_no_file_is_named_so(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)
    assert places(["*.jpg", "no*.png", "sub"]) == [Path("a.jpg"), Path("no*.png"), Path("sub")]
    Path("*.jpg").write_bytes(b"x")
    assert places(["*.jpg"]) == [Path("*.jpg")]


def test_a_folder_that_cannot_be_read_is_told(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def closed(path: str) -> object:
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    plan = make_plan([tree], tmp_path / "out")
    assert plan.unreadable == ((tree / "sub", "Permission denied"),)
    assert len(plan.jobs) == 2


def test_results_of_last_time_are_no_inputs(tree: Path) -> None:
    (tree / "a.denoised.jpg").write_bytes(b"x")
    plan = make_plan(sorted(tree.glob("*.jpg")), None)
    assert plan.jobs == ()
    assert (plan.there_already, plan.first_there) == (1, tree / "a.denoised.jpg")


def test_a_file_that_is_not_there_fails_in_its_turn(tmp_path: Path) -> None:
    assert len(make_plan([tmp_path / "gone.png"], None).jobs) == 1
    assert len(make_plan([tmp_path / "gone"], tmp_path / "clean").jobs) == 1


def test_a_folder_named_like_a_result_is_no_result(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "a.jpg").mkdir(parents=True)
    plan = make_plan([tree / "a.jpg"], tmp_path / "out")
    assert (len(plan.jobs), plan.there_already) == (1, 0)


@pytest.mark.parametrize(
    ("inputs", "output", "options", "complaint"),
    [
        (["."], None, {}, "is a folder: say with -o"),
        (["."], ".", {}, "is the input folder itself"),
        (["a.jpg"], "a.jpg", {}, "is an input"),
        (["a.jpg"], "a.png", {}, "is there already; --overwrite"),
        (["a.jpg", "a.png"], "notes.txt", {}, "is a file, but there are several"),
        (["a.jpg"], "b.xyz", {}, "stands for no picture format"),
        (["a.jpg", "sub/a.jpg"], "sub/deep", {}, "would both become"),
        (["a.jpg"], "b.jpg", {"in_place": True}, "takes no --output"),
        (["a.jpg", "a.png"], ".", {}, "is an input"),
    ],
)
def test_what_would_lose_pictures_is_refused(
    tree: Path, inputs: list[str], output: str | None, options: dict[str, bool], complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint):
        make_plan([tree / name for name in inputs], None if output is None else tree / output, **options)


def test_where_letters_are_folded_no_picture_is_lost_by_their_case(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(UsageError, match="itself"):
        make_plan([tree], tree.with_name("IN"), overwrite=True)
    with pytest.raises(UsageError, match="is an input"):
        make_plan([tree / "a.png"], tree / "A.PNG", overwrite=True)
    with pytest.raises(UsageError, match="both become"):
        make_plan([tree / "a.jpg", tree / "sub" / "A.JPG"], tmp_path / "out")
    assert targets(make_plan([tree, tree / "sub"], tmp_path / "Out"))[0] == str(tmp_path / "Out" / "in" / "a.jpg")


def test_results_beside_their_pictures_are_no_inputs(tree: Path, tmp_path: Path) -> None:
    for name in ("a.denoised.png", "other.denoised.png"):
        (tree / name).write_bytes(b"x")
    plan = make_plan([tree], tmp_path / "out")
    expected = ["a.jpg", "a.png", "other.denoised.png", "sub/a.jpg", "sub/deep/b.TIF"]
    assert targets(plan) == [str(tmp_path / "out" / name) for name in expected]
    assert plan.others == 3


def test_several_pictures_do_not_go_into_what_is_named_like_one(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="named like a picture"):
        make_plan([tree / "a.jpg", tree / "a.png"], tmp_path / "out.jpg")
    (tmp_path / "out.jpg").mkdir()
    assert len(make_plan([tree / "a.jpg", tree / "a.png"], tmp_path / "out.jpg").jobs) == 2


def test_brackets_in_names_are_no_pattern_where_they_match_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "Holiday [2024]"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"x")
    assert places([f"{folder}/*.jpg"]) == [folder / "a.jpg"]
