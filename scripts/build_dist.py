"""Build the sdist and the wheel of every distribution into dist/, each wheel from its sdist.

`make dist` runs it. It needs setuptools and no network, and leaves nothing in the sources.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
PACKED = ("LICENSE", "README.md", "pyproject.toml", "src")
"""What a distribution is built from."""

_SDIST = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
_PIP = ("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index")


def projects() -> list[Path]:
    """Return the folders of all distributions, flopbench itself first."""
    return [ROOT, *sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))]


def project(folder: Path) -> dict[str, object]:
    """Return what the pyproject.toml in a folder says of its project."""
    found: dict[str, object] = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    return dict(found["project"])  # type: ignore[call-overload]


def build(folders: Iterable[Path], out: Path) -> Iterator[Path]:
    """Build the distributions of some folders into another; yield the wheels."""
    out.mkdir(parents=True, exist_ok=True)
    for folder in folders:
        with tempfile.TemporaryDirectory() as temporary:
            source, built = Path(temporary, "source"), Path(temporary, "built")
            _copy(folder, source)
            built.mkdir()
            command: list[str | Path] = [sys.executable, "-c", _SDIST, built]
            subprocess.run(command, cwd=source, check=True, stdout=subprocess.DEVNULL)
            (sdist,) = built.iterdir()
            command = [sys.executable, *_PIP, "--wheel-dir", built, sdist]
            subprocess.run(command, cwd=temporary, check=True)
            for path in built.iterdir():
                shutil.copyfile(path, out / path.name)
            (wheel,) = built.glob("*.whl")
            yield out / wheel.name


def _copy(folder: Path, to: Path) -> None:
    """Copy what a distribution is built from: building leaves files in its sources."""
    to.mkdir()
    for name in PACKED:
        if (folder / name).is_dir():
            left = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(folder / name, to / name, ignore=left)
        else:
            shutil.copy(folder / name, to)


def main() -> int:
    """Build all; return 1 if their versions differ."""
    for path in DIST.glob("flopbench*"):
        path.unlink()
    wheels = [wheel.name for wheel in build(projects(), DIST)]
    print("\n".join(sorted(path.name for path in DIST.iterdir())))
    versions = {name.split("-")[1] for name in wheels}
    if len(versions) > 1:
        print(f"versions differ: {', '.join(sorted(versions))}", file=sys.stderr)
    return int(len(versions) > 1)


if __name__ == "__main__":
    sys.exit(main())
