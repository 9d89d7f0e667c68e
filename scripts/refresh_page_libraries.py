"""Fetch the libraries that draw the charts of HTML pages, with npm, and store them as they inline.

``python scripts/refresh_page_libraries.py`` takes the versions below; change them there. What is
not ASCII is escaped, so that a page is the same bytes in any encoding.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "src/flopbench/pages/assets/libraries"

LIBRARIES = {
    "d3": ("d3", "7.9.0", "dist/d3.min.js"),
    "plot": ("@observablehq/plot", "0.6.17", "dist/plot.umd.min.js"),
}
"""By the name of the file here: the package, its version, and the file in it."""

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def main() -> None:
    """Store each library, and its licence beside it."""
    for name, (package, version, path) in LIBRARIES.items():
        with tempfile.TemporaryDirectory() as folder:
            pack = [shutil.which("npm") or "npm", "pack", "--silent", f"{package}@{version}"]
            subprocess.run(pack, cwd=folder, check=True, capture_output=True)
            (archive,) = Path(folder).glob("*.tgz")
            with tarfile.open(archive) as files:
                code, licence = (_read(files, file) for file in (path, "LICENSE"))
        (FOLDER / f"{name}.js").write_text(ascii_code(code), encoding="ascii")
        (FOLDER / f"{name}.LICENSE").write_text(licence, encoding="utf-8")
        print(f"{package} {version}: {len(code):,} bytes")


def _read(files: tarfile.TarFile, path: str) -> str:
    found = files.extractfile(f"package/{path}")
    if found is None:
        raise FileNotFoundError(path)
    return found.read().decode()


def ascii_code(code: str) -> str:
    """Return JavaScript whose strings have escapes for all but ASCII."""
    return _NOT_ASCII.sub(lambda match: f"\\u{ord(match[0]):04x}", code.strip()) + "\n"


if __name__ == "__main__":
    main()
