"""Measure how long exported laws take to import: at most 50 ms, compiled or not.

Exit status 1 if the bound is broken. Run: python benchmarks/exported.py
"""

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import flopbench

RUNS = 15
BOUND_MS = 50
PROGRAM = (
    "import sys, time; sys.path.insert(0, sys.argv[1]); t = time.perf_counter();"
    "import deepseek_ocr; print(1000 * (time.perf_counter() - t))"
)


def main() -> int:
    """Print the medians; return 1 if one is above the bound."""
    broken = False
    with tempfile.TemporaryDirectory() as folder:
        flopbench.export("deepseek_ocr", analytic_only=True).save(Path(folder, "deepseek_ocr.py"))
        for how, flags in (("compiled by the import", ["-B"]), ("compiled before", [])):
            command = [sys.executable, "-S", "-I", *flags, "-c", PROGRAM, folder]
            runs = [subprocess.run(command, capture_output=True, check=True) for _ in range(RUNS)]
            took = statistics.median(float(run.stdout) for run in runs)
            broken |= took > BOUND_MS
            print(f"import of deepseek_ocr.py, {how}: {took:.1f} ms (bound {BOUND_MS} ms)")
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
