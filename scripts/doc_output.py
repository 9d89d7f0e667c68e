"""Keep the output that the docs show equal to what commands print.

In a page, `<!-- file: NAME -->` before a code block names the file that the block is, and
`<!-- run: COMMAND -->` before a text block the command whose output the block shows, run
where the page's files are. A line `…` in such a block stands for any lines of the output;
the lines around it must be those of the output, in order.

`python scripts/doc_output.py [PAGE …]` regenerates the outputs. A shortened output that is no
longer true is written in full: shorten it again.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

_BLOCK = re.compile(
    r"^<!-- (?P<kind>file|run): (?P<what>.+?) -->\n```\w+\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)

ELISION = "…"

_PLUGIN = "flopbench.guard.plugin"
_INSTALLED = metadata.entry_points(group="pytest11", name="flopbench", value=_PLUGIN)
GUARD = () if _INSTALLED else ("-p", _PLUGIN)
"""What loads the guard, unless pytest finds it itself; loaded twice, it is refused."""

Run = Callable[..., "subprocess.CompletedProcess[str]"]

_OF_CI = {"CI", "BUILD_NUMBER"}  # where one is set, pytest does not shorten its summary


def environment(**more: str) -> dict[str, str]:
    """Return the environment of what is shown: the same output at a desk and in CI."""
    return {name: value for name, value in os.environ.items() if name not in _OF_CI} | more


def updated(page: Path, folder: Path | None = None, *, run: Run = subprocess.run) -> str:
    """Return the page with the current output of its commands.

    Args:
        folder: where the commands run and write their files; by default a temporary folder.
        run: what runs a command, with the arguments of `subprocess.run`.
    """
    text = page.read_text(encoding="utf-8")
    with nullcontext(folder) if folder else tempfile.TemporaryDirectory() as where:
        for name, code in blocks(text, "file"):
            file = Path(where, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(code, encoding="utf-8")
        outputs = {command: _run(command, where, run) for command, _ in blocks(text, "run")}

    def replace(match: re.Match[str]) -> str:
        if match["kind"] == "file":
            return match[0]
        output = outputs[match["what"]]
        if is_shortened(match["text"], output):
            return match[0]
        head = match[0][: match.start("text") - match.start()]
        return f"{head}{output}```"

    return _BLOCK.sub(replace, text)


def blocks(text: str, kind: str) -> Iterator[tuple[str, str]]:
    """Yield what each marker of a kind (`file` or `run`) names, with the text of its block."""
    for match in _BLOCK.finditer(text):
        if match["kind"] == kind:
            yield match["what"], match["text"]


def is_shortened(shown: str, output: str) -> bool:
    """Whether a text is an output with lines left out, each gap marked by a line `…`."""
    first, *rest = _chunks(shown.splitlines())
    if not rest:
        return False
    lines = output.splitlines()
    if lines[: len(first)] != first:
        return False
    *between, last = rest
    position = len(first)
    for chunk in between:
        after = _after(chunk, lines, position)
        if after is None:
            return False
        position = after
    start = len(lines) - len(last)
    return start >= position and lines[start:] == last


def _chunks(lines: list[str]) -> list[list[str]]:
    """Return the groups of lines between the markers."""
    chunks: list[list[str]] = [[]]
    for line in lines:
        if line.strip() == ELISION:
            chunks.append([])
        else:
            chunks[-1].append(line)
    return chunks


def _after(chunk: list[str], lines: list[str], start: int) -> int | None:
    """Return the index after the first occurrence of a chunk from ``start``; None if none."""
    size = len(chunk)
    found = (at for at in range(start, len(lines) - size + 1) if lines[at : at + size] == chunk)
    at = next(found, None)
    return None if at is None else at + size


def _run(command: str, folder: str | Path, run: Run) -> str:
    program, *arguments = shlex.split(command)
    if program == "flopbench":
        arguments = ["-m", "flopbench.cli", *arguments]
    elif program == "pytest":
        arguments = ["-m", "pytest", *GUARD, "-p", "no:cacheprovider", *arguments]
    done = run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment(COLUMNS="100"),
        capture_output=True,
        text=True,
        check=False,
    )
    tests_failed = program == "pytest" and done.returncode == 1  # may be what a page shows
    if not tests_failed:
        done.check_returncode()
    return done.stdout


def main() -> None:
    """Rewrite the pages that are not up to date: all, or those that are named."""
    for page in [Path(name).resolve() for name in sys.argv[1:]] or PAGES:
        text = updated(page)
        if text != page.read_text(encoding="utf-8"):
            page.write_text(text, encoding="utf-8")
            print(f"updated {page.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
