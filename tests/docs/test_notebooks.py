"""The notebooks of the docs show what they do today, and the site shows all of them."""

import json
import tempfile

import nbformat
import pytest
from doc_output import ROOT
from make_notebooks import NOTEBOOKS, executed, shown
from notebook_pages import page


def name(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_a_notebook_shows_what_its_cells_do_today(path):
    assert shown(executed(path)) == shown(nbformat.read(path, as_version=4))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_a_notebook_is_valid_and_was_run_from_top_to_bottom(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [*range(1, len(code) + 1)]
    kinds = {output.output_type for cell in code for output in cell.outputs}
    assert "error" not in kinds
    assert not [cell for cell in code if "execution" in cell.metadata]
    text = path.read_text(encoding="utf-8")
    assert tempfile.gettempdir() not in text  # nor anything else of the machine
    assert path.stat().st_size < 200_000


def cell(kind, source, *outputs):
    made = {"cell_type": kind, "source": [source]}
    return made | ({"outputs": list(outputs)} if kind == "code" else {})


def test_a_page_has_each_cell_and_the_best_form_of_each_output(tmp_path):
    path = tmp_path / "a.ipynb"
    both = {"data": {"text/html": ["<div>1\n", "\n \n2</div>"], "text/plain": "not shown"}}
    picture = {"data": {"image/png": "aGk=", "text/plain": "<Figure>"}}
    cells = [
        cell("markdown", "# Title"),
        cell("code", "show()", both, picture, picture),
        cell("code", "'```'", {"data": {"text/plain": ["'```'"]}}),
        cell("code", "print(1)", {"text": ["\x1b[31m1\x1b[0m\n", "2\n"]}),
    ]
    path.write_text(json.dumps({"cells": cells}))
    text, pictures = page(path)
    assert pictures == {"a-1.png": b"hi", "a-2.png": b"hi"}
    parts = [
        "# Title",
        "```python\nshow()\n```",
        "<div>1\n2</div>",
        "![What the code above draws](a-1.png)",
        "![What the code above draws](a-2.png)",
        "````python\n'```'\n````",
        "````text\n'```'\n````",
        "```python\nprint(1)\n```",
        "```text\n1\n2\n```",
        '<a href="a.ipynb" download>Download this page as a notebook</a>',
    ]
    assert text == "\n\n".join(parts) + "\n"
