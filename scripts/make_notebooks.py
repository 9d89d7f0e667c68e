"""Run the notebooks of the docs, and write their outputs into them.

Edit the cells in Jupyter or by hand, then run `python scripts/make_notebooks.py`. A test compares
the outputs with those of a new run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from doc_output import GUARD, environment
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))

_TIME = re.compile(r" in [0-9.]+s\b")
_PICTURES = ("image/png", "image/svg+xml")


def executed(path: Path) -> Any:
    """Return a notebook with the outputs of a new run, and nothing that differs by run."""
    notebook = nbformat.read(path, as_version=4)
    with _environment():
        NotebookClient(notebook, timeout=300, coalesce_streams=True).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                output.text = _TIME.sub(" in 1.00s", output.text)
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


@contextmanager
def _environment() -> Iterator[None]:
    """Set what processes print, and let pytest find the guard where it was not installed."""
    guard = {"PYTEST_PLUGINS": GUARD[-1]} if GUARD else {}
    before = dict(os.environ)
    inside = environment(NO_COLOR="1", COLUMNS="80", **guard)
    try:
        os.environ.clear()
        os.environ.update(inside)
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def shown(notebook: Any) -> list[Any]:
    """Return what the cells of a notebook show, but for what pictures look like."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = {
                kind: "a picture" if kind in _PICTURES else value
                for kind, value in output.get("data", {}).items()
            }
            found.append((cell.source, output.output_type, output.get("text"), data))
    return found


def main() -> None:
    """Rewrite the notebooks whose outputs are not up to date."""
    for path in NOTEBOOKS:
        notebook = executed(path)
        if shown(notebook) != shown(nbformat.read(path, as_version=4)):
            nbformat.write(notebook, path)
            print(f"updated {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
