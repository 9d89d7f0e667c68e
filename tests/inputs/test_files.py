"""The reader of files that users name: regular files of bounded size, or a sentence at once."""

import os
import re
from pathlib import Path

import pytest

from flopbench.errors import UsageError
from flopbench.inputs import read_bytes, read_json, read_text
from flopbench.inputs.files import make_folder, remove_folders


@pytest.fixture
def fifo(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    return tmp_path / "fifo"


@pytest.mark.parametrize("read", [read_bytes, read_text, read_json])
def test_only_a_regular_file_is_read(read, fifo, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(fifo)
    for path in (fifo, link, Path("/dev/zero"), Path("/dev/null")):
        with pytest.raises(UsageError, match=r"^cannot read my file: it is not a regular file$"):
            read(path, "my file")
    wrong = {
        tmp_path: "it is a directory",
        tmp_path / "none": "No such file or directory",
        Path("x" * 5000): "File name too long",
        Path("a\0b"): "embedded null",
    }
    for path, reason in wrong.items():
        with pytest.raises(UsageError, match=f"cannot read my file: .*{reason}"):
            read(path, "my file")


def test_a_file_is_read_as_far_as_it_may_be_large(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"12345678")
    assert read_bytes(path, "it", most=8) == b"12345678"
    assert read_json(path, "it") == 12345678
    with pytest.raises(UsageError, match="cannot read it: it holds more than 7 bytes"):
        read_bytes(path, "it", most=7)
    # Its size is said to be 0, and it never ends.
    with pytest.raises(UsageError, match="it holds more than 99 bytes"):
        read_bytes(Path("/proc/self/maps"), "it", most=99)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "is not a JSON file: Expecting"),
        (b"\xff{}", "is not a JSON file"),
        (b"[" * 200_000, "is not a JSON file: it is nested too deeply"),
        (b"9" * 5000, "is not a JSON file: a number has too many digits"),
    ],
)
def test_what_is_no_json_is_one_sentence(tmp_path, content, reason):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=f"^it {re.escape(reason)}") as error:
        read_json(path, "it")
    assert "\n" not in str(error.value)


def test_text_is_utf8(tmp_path):
    (tmp_path / "file").write_bytes("é".encode("latin-1"))
    with pytest.raises(UsageError, match="cannot read it: byte 0 is not UTF-8"):
        read_text(tmp_path / "file", "it")


def test_a_deep_folder_is_made_and_taken_away(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    deep = Path(*["d"] * 700)
    made = make_folder(deep)
    assert deep.is_dir()
    assert len(made) == 700
    assert make_folder(deep) == []
    remove_folders(made)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_leaves_nothing(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="File name too long"):
        make_folder(tmp_path / "a" / "b" / ("x" * 300))
    for wrong in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises((FileExistsError, NotADirectoryError)):
            make_folder(wrong)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
