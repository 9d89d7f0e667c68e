"""Keep the output that the docs show equal to what commands print.

In a page, `<!-- file: NAME -->` before a code block names the file that the block is, and
`<!-- run: COMMAND -->` before a text block the command whose output the block shows, run
where the page's files are. `python scripts/doc_output.py` writes the outputs anew.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

_BLOCK = re.compile(
    r"^<!-- (?P<kind>file|run): (?P<what>.+?) -->\n```\w+\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def updated(page: Path, folder: Path | None = None) -> str:
    """Return the page with the output of its commands as they print it now.

    Args:
        folder: where they run, and leave what they write; a folder of their own, by default.
    """
    text = page.read_text(encoding="utf-8")
    with nullcontext(folder) if folder else tempfile.TemporaryDirectory() as where:
        for name, code in blocks(text, "file"):
            Path(where, name).write_text(code, encoding="utf-8")
        outputs = {command: _run(command, where) for command, _ in blocks(text, "run")}

    def replace(match: re.Match[str]) -> str:
        if match["kind"] == "file":
            return match[0]
        head = match[0][: match.start("text") - match.start()]
        return f"{head}{outputs[match['what']]}```"

    return _BLOCK.sub(replace, text)


def blocks(text: str, kind: str) -> Iterator[tuple[str, str]]:
    """Yield what each marker of a kind (`file` or `run`) names, and the text of its block."""
    for match in _BLOCK.finditer(text):
        if match["kind"] == kind:
            yield match["what"], match["text"]


def _run(command: str, folder: str | Path) -> str:
    program, *arguments = shlex.split(command)
    if program == "flopbench":
        arguments = ["-m", "flopbench.cli", *arguments]
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def main() -> None:
    """Write every page anew that is not up to date."""
    for page in PAGES:
        text = updated(page)
        if text != page.read_text(encoding="utf-8"):
            page.write_text(text, encoding="utf-8")
            print(f"updated {page.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
