"""A notebook as a page of the site: Markdown, and files of its pictures. Needs no Jupyter."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_STYLED = re.compile(r"\x1b\[[0-9;]*m")


def page(path: Path) -> tuple[str, dict[str, bytes]]:
    """Return the Markdown of a notebook, and its pictures by the names of their files."""
    pictures: dict[str, bytes] = {}
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    parts = [part for cell in cells for part in _cell(cell, path.stem, pictures)]
    link = f'<a href="{path.name}" download>Download this page as a notebook</a>'
    return "\n\n".join([*parts, link]) + "\n", pictures


def _cell(cell: Any, stem: str, pictures: dict[str, bytes]) -> Iterator[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
        return
    yield _fenced(source, "python")
    for output in cell.get("outputs", []):
        yield from _output(output, stem, pictures)


def _output(output: Any, stem: str, pictures: dict[str, bytes]) -> Iterator[str]:
    data = output.get("data", {})
    if "text/html" in data:
        # Without empty lines, Markdown takes it as one block.
        yield re.sub(r"\n\s*\n", "\n", "".join(data["text/html"]))
    elif "image/png" in data:
        name = f"{stem}-{len(pictures) + 1}.png"
        pictures[name] = base64.b64decode("".join(data["image/png"]))
        yield f"![What the code above draws]({name})"
    else:
        text = "".join(output.get("text", data.get("text/plain", [])))
        yield _fenced(_STYLED.sub("", text).strip("\n"), "text")


def _fenced(text: str, language: str) -> str:
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
