"""The lock of a command's folder: its own file, and nobody else's."""

import contextlib
import os
from pathlib import Path

import pytest

from flopbench.errors import UsageError
from flopbench.resume.lock import lock_path, locked


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path):
    folder, target = tmp_path / "out", tmp_path / "target"
    folder.mkdir()
    target.write_text("mine")
    for to in (target, tmp_path / "none"):
        lock_path(folder, "sweep").symlink_to(to)
        with (
            pytest.raises(UsageError, match=r"cannot write to --out .*\.sweep\.lock is not a reg"),
            locked(folder, "sweep"),
        ):
            pass
        assert lock_path(folder, "sweep").is_symlink()
        lock_path(folder, "sweep").unlink()
    assert target.read_text() == "mine"
    assert not (tmp_path / "none").exists()


def test_a_pipe_or_folder_in_place_of_the_lock_is_refused_at_once(tmp_path):
    for make in (os.mkfifo, os.mkdir):
        folder = tmp_path / make.__name__
        folder.mkdir()
        make(lock_path(folder, "sweep"))
        with pytest.raises(UsageError, match="is not a regular file"), locked(folder, "sweep"):
            pass


def test_a_file_with_content_stays(tmp_path):
    lock_path(tmp_path, "sweep").write_text("mine")
    with locked(tmp_path, "sweep"):
        pass
    assert lock_path(tmp_path, "sweep").read_text() == "mine"


def test_a_new_folder_without_files_goes_and_so_does_the_lock(tmp_path):
    deep = tmp_path.joinpath(*["d"] * 600)
    with locked(deep, "sweep"):
        assert lock_path(deep, "sweep").exists()
    assert list(tmp_path.iterdir()) == []


def opened(path):
    """Return whether this process has a file open."""
    return path.resolve() in [link.resolve() for link in Path("/proc/self/fd").iterdir()]


@pytest.mark.parametrize("held", [False, True], ids=["alone", "another sweep has it open"])
def test_on_windows_the_lock_is_closed_before_it_is_removed(tmp_path, monkeypatch, held):
    unlink = Path.unlink

    def refuse_open(path, **options):
        if opened(path):
            raise PermissionError(13, "it is open", str(path))
        unlink(path, **options)

    monkeypatch.setattr("flopbench.resume.lock.fcntl", None)
    monkeypatch.setattr(Path, "unlink", refuse_open)
    folder = tmp_path / "out"
    with contextlib.ExitStack() as other:
        with locked(folder, "sweep"):
            if held:
                other.enter_context(lock_path(folder, "sweep").open("rb"))
        assert folder.exists() == held
