"""Measure how long flopbench takes to start, against importing its libraries alone.

Bounds: `flopbench --help` at most 1.2 times, an analytic-only run at most 4 times the bare
import: it loads the classes of all plugins. Exit status 1 if a bound is broken.
Run: python benchmarks/startup.py
"""

import sys

from measure import FLOPBENCH, measure, python, recorded

RUNS = 15
BARE = "import omegaconf, attrs, pluggy, typer, rich"
CASES = (
    ("flopbench --help", ["--help"], 1.2),
    ("flopbench run deepseek_ocr --analytic-only", ["run", "deepseek_ocr", "--analytic-only"], 4.0),
)


def main() -> int:
    """Print each ratio with its bound; return 1 if one is broken."""
    bare = measure(python(BARE), RUNS)
    print(f"bare import          {bare.wall_s * 1000:6.0f} ms   ({BARE})")
    broken = False
    for name, arguments, bound in CASES:
        measured = measure([FLOPBENCH, *arguments], RUNS)
        ratio = recorded(f"{name} / bare import", measured.wall_s / bare.wall_s)
        cpu_ratio = measured.cpu_s / bare.cpu_s
        broken |= ratio > bound
        print(
            f"{name}: {measured.wall_s * 1000:.0f} ms, {ratio:.2f} times the bare import "
            f"(CPU time {cpu_ratio:.2f} times; bound {bound} times)"
        )
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
