"""Draw the pictures of docs/deployment.md, from the file and the command that the page shows."""

from __future__ import annotations

import shlex
import sys
import tempfile
from pathlib import Path

from doc_output import ROOT, blocks

PAGE = ROOT / "docs" / "deployment.md"
PICTURES = ROOT / "docs" / "images"


def pictures() -> dict[str, bytes]:
    """Return the pictures as SVG, by file name."""
    from typer.testing import CliRunner

    from flopbench.cli.app import make_app
    from flopbench.cli.common import Session

    text = PAGE.read_text(encoding="utf-8")
    name, config = next(blocks(text, "file"))
    command, _ = next(blocks(text, "run"))
    with tempfile.TemporaryDirectory() as folder:
        file, out = Path(folder, name), Path(folder, "out")
        file.parent.mkdir(parents=True)
        file.write_text(config, encoding="utf-8")
        arguments = shlex.split(command.replace(file.parent.name, str(file.parent)))[1:]
        arguments += ["--analytic-only", "--out", str(out)]
        done = CliRunner().invoke(make_app(["run"]), arguments, obj=Session())
        if done.exit_code:
            sys.exit(done.output)
        return {f"deployment-{each.name}": each.read_bytes() for each in out.glob("*.svg")}


if __name__ == "__main__":
    for name, picture in pictures().items():
        (PICTURES / name).write_bytes(picture)
