"""A command's folder: its own files are replaced, those of others stay."""

import pytest

from flopbench.resume.files import list_name, replace_files

LIST = list_name("sweep")


def contents(folder):
    return {path.name: path.read_text() for path in folder.iterdir() if path.name != LIST}


def test_files_of_an_earlier_sweep_go_when_the_next_is_written(tmp_path, monkeypatch):
    replace_files(tmp_path, "sweep", {"a.svg": "a", "b.png": b"b", "c.md": "c"})
    assert contents(tmp_path) == {"a.svg": "a", "b.png": "b", "c.md": "c"}

    def killed(_path, **_options):
        raise KeyboardInterrupt

    # Killed when all is written and nothing taken away yet.
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.is_symlink", killed)
        with pytest.raises(KeyboardInterrupt):
            replace_files(tmp_path, "sweep", {"c.md": "new", "d.md": "d"})
    assert contents(tmp_path) == {"a.svg": "a", "b.png": "b", "c.md": "new", "d.md": "d"}
    replace_files(tmp_path, "sweep", {"d.md": "newer"})
    assert contents(tmp_path) == {"d.md": "newer"}


@pytest.mark.parametrize(
    "text", ["notes", "[1]", '{"../mine.md": ["x"]}', '{"mine.md": 3}', '{"mine.md": ["x"]}', "{}"]
)
def test_a_list_that_no_sweep_wrote_takes_nothing_away(tmp_path, text):
    folder = tmp_path / "out"
    folder.mkdir()
    (tmp_path / "mine.md").write_text("x")
    (folder / "mine.md").write_text("x")
    (folder / LIST).write_text(text)
    replace_files(folder, "sweep", {"sweep.md": "s"})
    assert contents(folder) == {"mine.md": "x", "sweep.md": "s"}
    assert (tmp_path / "mine.md").exists()
