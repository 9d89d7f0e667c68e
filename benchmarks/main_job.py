"""Measure the main job, against loading the libraries alone and building the model alone.

Bounds on two cores: 20 s, and 1.2 GB of peak memory. Exit status 1 if a bound is broken.
Run: python benchmarks/main_job.py
"""

import sys

from measure import FLOPBENCH, measure, python, recorded, within

RUNS = 3
SECONDS, BYTES = 20.0, 1_200_000_000
IMPORTS = "import torch, transformers.models.unlimited_ocr.modeling_unlimited_ocr"
BUILD = """
from flopbench_deepseek_ocr.architecture import Architecture
from flopbench_deepseek_ocr.vendor_native import Native
Native(Architecture()).model
"""


def main() -> int:
    """Print times, peaks and ratios; return 1 if a bound is broken."""
    job = measure([FLOPBENCH, "run", "deepseek_ocr"], RUNS)
    kept = within("flopbench run deepseek_ocr", job, seconds=SECONDS, peak_bytes=BYTES)
    for name, code in (
        ("importing torch and transformers", IMPORTS),
        ("building the model", BUILD),
    ):
        part = measure(python(code), RUNS)
        ratio = recorded(f"flopbench run deepseek_ocr / {name}", job.wall_s / part.wall_s)
        print(f"  {ratio:.2f} times {name} alone ({part.wall_s:.1f} s)")
    return int(not kept)


if __name__ == "__main__":
    sys.exit(main())
