"""Run a quick but telling selection of the tests with the lowest versions of all libraries.

`make test-min` builds dist/ and runs it. The environment, with constraints-min.txt, is outside the
checkout and is deleted at the end: torch brings its CUDA packages where the index has no CPU build.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from build_dist import DIST, ROOT
from check_dist import wheels

REQUIREMENTS = ("flopbench[hf,ocr,plot,testing,torch]", "flopbench-peer-counters", "jsonschema")

TESTS = (
    "tests/commands/run",
    "tests/commands/prove",
    "tests/builtin/test_torch_counter.py",
    "tests/laws/test_interpolation.py",
    "tests/plan",
    "tests/plugins/transformers_lm/test_commands.py",
    "tests/schemas",
)
"""Runs, proofs, language models and the command line."""

COMMANDS = ("flopbench run deepseek_ocr", "flopbench prove hf/llama", "flopbench --help")
"""What must end with 0: the models as published, and a proof that needs open sizes."""


def install(folder: Path) -> Path:
    """Install everything at its lowest version; return the folder of the commands."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    scripts = folder / "bin"
    pip = [scripts / "python", "-m", "pip", "install", "--quiet", "--find-links", DIST]
    pip += ["--only-binary", ",".join(wheels()), "--constraint", ROOT / "constraints-min.txt"]
    subprocess.run([*pip, *REQUIREMENTS], check=True)
    return scripts


def main() -> int:
    """Install and test; return 0 if all is well."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    with tempfile.TemporaryDirectory(prefix="flopbench-min-") as temporary:
        scripts = install(Path(temporary, "environment"))
        pytest: list[str | Path] = [scripts / "python", "-m", "pytest", "-q", "-m", "not slow"]
        failed = subprocess.run([*pytest, *TESTS], cwd=ROOT, env=environment, check=False)
        if failed.returncode:
            return 1
        for command in COMMANDS:
            program, *arguments = command.split()
            options = {"cwd": temporary, "env": environment, "stdout": subprocess.DEVNULL}
            done = subprocess.run([scripts / program, *arguments], check=False, **options)  # type: ignore[call-overload]
            print(f"{'FAILED' if done.returncode else 'ok'}: {command}", flush=True)
            if done.returncode:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
