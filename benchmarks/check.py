"""Compare the ratios of a quick run of benchmarks with the committed ones (`ratios.json`).

A ratio compares two times of one run, so that it hardly depends on the machine. Exit status 1 if
one is more than 1.5 times the committed one, or is missing.
Run: python benchmarks/check.py [--update]
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent
COMMITTED = FOLDER / "ratios.json"
QUICK = ("startup.main", "sweep.many_points", "laws.equal_layers_once")
"""Parts of benchmarks that take little time; the others run in `make bench`."""
SLOWER = 1.5


def main() -> int:
    """Print each ratio beside the committed one; return 1 if one is too high."""
    found = _measured()
    if "--update" in sys.argv:
        COMMITTED.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        return 0
    known = json.loads(COMMITTED.read_text(encoding="utf-8"))
    for name in sorted({**known, **found}):
        print(f"{_verdict(known.get(name), found.get(name)):8} {name}")
    slower = [n for n, ratio in known.items() if found.get(n, SLOWER * ratio + 1) > SLOWER * ratio]
    for name in slower:
        print(f"{name}: {found.get(name)}, more than {SLOWER} x {known[name]:.3f}")
    return int(bool(slower))


def _verdict(known: float | None, found: float | None) -> str:
    if known is None or found is None:
        return "new" if known is None else "missing"
    return f"{found / known:.2f} x"


def _measured() -> dict[str, float]:
    """Run the benchmarks; return their ratios by name.

    Their own bounds are in seconds of an idle machine, which another one need not keep.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ratios"
        environment = {**os.environ, "BENCH_RATIOS": str(path), "BENCH_QUICK": "1"}
        for part in QUICK:
            module, _, function = part.partition(".")
            code = f"import {module}; {module}.{function}()"
            subprocess.run([sys.executable, "-c", code], cwd=FOLDER, env=environment, check=True)
        lines = path.read_text(encoding="utf-8").splitlines()
    return {name: ratio for line in lines for name, ratio in json.loads(line).items()}


if __name__ == "__main__":
    sys.exit(main())
