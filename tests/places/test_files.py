"""Files are replaced as a whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from denoise_cli.places.files import TEMPORARY, replacing, sweep, temporary


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("old", [None, b"old"])
def test_a_file_takes_its_place_when_all_went_well(tmp_path, old):
    path = tmp_path / "picture.png"
    if old is not None:
        path.write_bytes(old)
    with replacing(path) as file:
        file.write(b"new content")
        file.seek(4)
        assert file.read() == b"content"  # TIFF reads what it has written
        assert (path.read_bytes() if old else None) == old
    assert path.read_bytes() == b"new content"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, OSError])
@pytest.mark.parametrize("old", [None, b"old"])
def test_nothing_is_left_of_a_failure_and_what_was_there_stays(tmp_path, error, old):
    path = tmp_path / "picture.png"
    if old is not None:
        path.write_bytes(old)
    with pytest.raises(error), replacing(path) as file:
        file.write(b"half")
        file.flush()
        assert len(list(tmp_path.glob(f"{TEMPORARY}*"))) == 1
        raise error
    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == ({"picture.png": old} if old else {})


def test_a_failure_to_take_the_place_leaves_nothing(tmp_path):
    path = tmp_path / "picture.png"
    (path / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match="irectory"), replacing(path) as file:
        file.write(b"content")
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_an_oserror(tmp_path):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "none" / "picture.png"):
        pass


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664])
def test_permissions_are_handed_on(tmp_path, mode):
    path = tmp_path / "picture.png"
    path.write_bytes(b"old")
    path.chmod(mode)
    with replacing(path) as file:
        file.write(b"new")
    assert mode_of(path) == mode


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_new_files_have_the_permissions_that_the_user_wants(tmp_path, umask):
    before = os.umask(umask)
    try:
        with replacing(tmp_path / "picture.png") as file:
            file.write(b"new")
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "picture.png") == 0o666 & ~umask


def test_what_killed_processes_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    left, young, other = (tmp_path / name for name in (f"{TEMPORARY}{16 * 'a'}", f"{TEMPORARY}{16 * 'b'}", ".own"))
    for path in (left, young, other, tmp_path / f"{TEMPORARY}notes"):
        path.write_bytes(b"half")
        if path != young:
            os.utime(path, (0, 0))
    with replacing(tmp_path / "result") as file:
        under_way = tmp_path / Path(file.name).name
        os.utime(under_way, (0, 0))
        sweep(tmp_path)
        assert under_way.exists()
    assert {path.name for path in tmp_path.iterdir()} == {young.name, ".own", f"{TEMPORARY}notes", "result"}
    sweep(tmp_path / "nowhere")


def test_a_temporary_file_is_private_gone_at_the_end_and_swept_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left = tmp_path / f"{TEMPORARY}{16 * 'a'}.png"
    left.write_bytes(b"half")
    with temporary(".png") as (file, path):
        file.write(b"content")
        assert (path.parent, path.suffix, mode_of(path)) == (tmp_path, ".png", 0o600)
        for old in (left, path):
            os.utime(old, (0, 0))
        sweep(tmp_path)
        assert list(tmp_path.iterdir()) == [path]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="the system has no extended attributes")
def test_what_is_replaced_hands_on_its_owner_and_attributes(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    path.chmod(0o640)
    try:
        os.setxattr(path, "user.tag", b"kept")
    except OSError:
        pytest.skip("the file system has no extended attributes")
    if os.getuid() == 0:
        os.chown(path, 1000, 1001)
    before = path.stat()
    with replacing(path) as file:
        assert Path(file.name).stat().st_mode & 0o777 == 0o600
        file.write(b"new")
    after = path.stat()
    assert path.read_bytes() == b"new"
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)
    assert os.getxattr(path, "user.tag") == b"kept"


def test_a_full_disk_names_the_file_that_was_to_be_written(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="full") as caught, replacing(tmp_path / "a.png"):
        raise OSError(errno.ENOSPC, "full")
    assert caught.value.filename == str(tmp_path / "a.png")
