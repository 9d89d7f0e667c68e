"""The tutorials' plugins pass the tests that the tutorials show; the reference is up to date."""

import inspect
import os
import re
import subprocess
import sys

import make_reference
import pytest
from doc_output import ROOT, blocks

from flopbench.registry import hookspecs

TUTORIALS = sorted((ROOT / "docs").glob("tutorial-*.md"))
PLUGINS = ROOT / "docs" / "snippets" / "plugins"


def test_there_is_a_tutorial_for_each_kind():
    assert [page.stem.removeprefix("tutorial-") for page in TUTORIALS] == [
        "counter",
        "first-plugin",
        "model",
        "reporter",
    ]


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_the_code_of_a_tutorial_passes_its_test(page, tmp_path):
    files = dict(blocks(page.read_text(encoding="utf-8"), "file"))
    tests = [name for name in files if name.startswith("test_")]
    assert len(tests) == 1
    for name, code in files.items():
        (tmp_path / name).write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert int(done.stdout.splitlines()[-1].split()[0]) >= 13


def test_the_plugins_that_are_files_are_as_in_the_tutorials():
    shown = {}
    for page in TUTORIALS:
        shown |= dict(blocks(page.read_text(encoding="utf-8"), "file"))
    files = {path.name: path.read_text(encoding="utf-8") for path in PLUGINS.glob("*.py")}
    assert files
    assert files.items() <= shown.items()


def test_the_reference_is_up_to_date():
    assert make_reference.PAGE.read_text(encoding="utf-8") == make_reference.page()


def test_the_reference_has_every_hook_with_its_signature_and_every_class_it_names():
    page = make_reference.PAGE.read_text(encoding="utf-8")
    hooks = [h for n, h in inspect.getmembers(hookspecs) if n.startswith("flopbench_")]
    assert len(hooks) == 6
    for hook in hooks:
        signature = str(inspect.signature(hook)).replace("'", "")
        assert f"### {hook.__name__}\n\n`{hook.__name__}{signature}`\n" in page
        kind = re.fullmatch(r"\(\) -> list\[type\[(\w+)\]\]", signature)[1]
        assert f"\n### {kind}\n" in page
