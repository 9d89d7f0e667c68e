"""The command line: what tests often call it with, and checks of what it prints."""

import json
import os
import textwrap

ANALYTIC = ("run", "deepseek_ocr", "--analytic-only")
"""A run that counts nothing."""

GRID = ("workload.crop_grid.rows=1", "workload.crop_grid.cols=2", "workload.decode_steps=5")
"""A page of two tiles, and five steps of decoding."""

REPORTS = ["report.csv", "report.html", "report.json", "report.md"]
"""What a run writes."""


def python_path(*folders):
    """Return a PYTHONPATH with folders before those that are on it already."""
    before = os.environ.get("PYTHONPATH")
    return os.pathsep.join([*map(str, folders), *([before] if before else [])])


def plugin(folder, source):
    """Write a plugin; return what -p takes."""
    (folder / "mine.py").write_text(textwrap.dedent(source))
    return "mine.py"


def shown(result):
    """Return what a run with ``--format console,json`` prints: the text, and the report."""
    text, _, report = result.stdout.partition("\n{")
    return text, json.loads("{" + report)


def one_sentence(result, *, code=2):
    """Check that a command failed with one sentence and nothing else."""
    assert result.returncode == code, result.stderr
    assert result.stdout == ""
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("flopbench: error: ")
    assert "Traceback" not in line
    return line.removeprefix("flopbench: error: ")


def read_all(terminal):
    """Read until the other side has closed the terminal."""
    data = b""
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # Linux says so with EIO
            return data.decode()
        if not chunk:
            return data.decode()
        data += chunk
