"""The guide for contributors names files that are there."""

import re
from pathlib import Path

import flopbench

ROOT = Path(__file__).parents[2]
PACKAGE = Path(flopbench.__file__).parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
NUMBERS = ("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen")


def test_every_path_is_there():
    paths = re.findall(r"`([\w.-]+/[\w./-]*)`", TEXT)
    assert len(paths) > 60
    assert not [p for p in paths if not ((ROOT / p).exists() or (PACKAGE / p).exists())]


def test_the_files_of_a_run_are_as_many_as_it_says():
    section = TEXT.partition("## How a run works")[2].partition("\n## ")[0]
    (word,) = re.findall(r"goes through (\w+) files", section)
    files = re.findall(r"^(\d+)\. `([\w/]+\.py)`", section, re.MULTILINE)
    assert [int(number) for number, _ in files] == list(range(1, len(files) + 1))
    assert len(files) == 10 + NUMBERS.index(word)
    assert all((PACKAGE / path).is_file() for _, path in files)
