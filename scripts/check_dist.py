"""Install the wheels in dist/ into an empty environment, and run them far from the checkout.

`make dist-check` builds and runs it. Only the package index is needed; the versions are those of
constraints.txt, and what is installed of flopbench must be what the wheels in dist/ hold.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from build_dist import DIST, ROOT, project, projects

REQUIREMENTS = ("flopbench[hf,ocr,torch,vl]", "flopbench-peer-counters")
"""All distributions; the libraries that peer counters wrap are many, and no run here needs them."""

FILES = {
    "tiny.py": "from torch import nn\n\ntiny = nn.Sequential(nn.Linear(4, 8), nn.ReLU())\n",
}
"""What is written where the commands run."""

COMMANDS = {
    "flopbench run deepseek_ocr": "verdict: verified, ",
    "flopbench run hf/llama": "verdict: verified, ",
    "flopbench run vl/internvl --stages vision": "verdict: verified, ",
    "flopbench count tiny.py:tiny --input 3,4": "192 FLOPs",
    "flopbench run unlimited_ocr --analytic-only": "verdict: nothing was checked",
    "flopbench new model mine": "flopbench-mine",
}
"""What is run there, and what it must print."""


def wheels() -> dict[str, Path]:
    """Return the wheel of each distribution."""
    found = {}
    for folder in projects():
        name = str(project(folder)["name"])
        (found[name],) = DIST.glob(f"{name.replace('-', '_')}-[0-9]*.whl")
    return found


def constraints() -> Iterator[str]:
    """Yield what pip must keep to: the versions of the tests, and of the wheels in dist/."""
    yield (ROOT / "constraints.txt").read_text(encoding="utf-8")
    for name, wheel in wheels().items():
        yield f"{name}=={wheel.name.split('-')[1]}\n"


def install(folder: Path) -> Path:
    """Install `REQUIREMENTS` into a new environment; return the folder of its commands."""
    versions = folder / "constraints.txt"
    versions.write_text("".join(constraints()), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "venv", folder / "environment"], check=True)
    scripts = folder / "environment" / "bin"
    pip = [scripts / "python", "-m", "pip", "install", "--quiet", "--find-links", DIST]
    pip += ["--only-binary", ",".join(wheels()), "--constraint", versions]
    subprocess.run([*pip, *REQUIREMENTS], check=True)
    return scripts


def unlike(scripts: Path) -> Iterator[str]:
    """Yield which distributions an environment lacks, or has from elsewhere than dist/."""
    packages = next(scripts.parent.glob("lib/python*/site-packages"))
    for name, wheel in wheels().items():
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.namelist():
                installed = packages / member
                if member.endswith("/RECORD"):  # pip adds lines to it
                    continue
                if not installed.is_file() or installed.read_bytes() != archive.read(member):
                    yield f"{name}: {member} is not as in {wheel.name}"


def failures(scripts: Path, folder: Path) -> Iterator[str]:
    """Yield the commands that do not do what they should, with what they said."""
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    for command, expected in COMMANDS.items():
        program, *arguments = command.split()
        done = subprocess.run(
            [scripts / program, *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        good = done.returncode == 0 and expected in done.stdout
        print(f"{'ok' if good else 'FAILED'}: {command}", flush=True)
        if not good:
            yield f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"


def main() -> int:
    """Check all; return 1 if something is wrong."""
    with tempfile.TemporaryDirectory(prefix="flopbench-dist-") as temporary:
        folder = Path(temporary).resolve()
        scripts = install(folder)
        wrong = [*unlike(scripts), *failures(scripts, folder)]
    print("\n".join(wrong), file=sys.stderr, end="")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
