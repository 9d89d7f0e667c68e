"""Measure a sweep: closed forms at many points, and the whole command with and without the vendor.

Bounds on two cores: 53 points x 2 modes x 3 stages 50 ms in process; 1,000,000 points 3 s and
a process of 1 GB; `flopbench sweep deepseek_ocr vision_prefill` with the vendor at 53 points
90 s; from the command to its files, in 1 GB: 100,000 points as JSON and CSV 15 s (hf/llama) and
25 s (deepseek_ocr, all five stages), 1,000,000 points of hf/llama as Parquet 60 s; and the cost
per point falls as points grow.
Exit status 1 if a bound is broken.
Run: python benchmarks/sweep.py
"""

import gc
import statistics
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
from measure import FLOPBENCH, Measured, measure, python, recorded, within

from flopbench.analytic.price import Pricer
from flopbench.analytic.price_many import Evaluator
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash
from flopbench.conventions import Conventions
from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.sweeps import candidate_grids
from flopbench_deepseek_ocr.workload import Workload

FOLDER = str(Path(__file__).parent)
STAGES = ("vision", "prefill", "decode")
MODES = (Eager(), Flash())
PRICER = Pricer(MODES[0], Conventions())
EVALUATOR = Evaluator(model=DeepseekOcr(), modes=MODES, pricer=PRICER, stages=STAGES)
FEW_SECONDS, MANY_SECONDS, MANY_BYTES = 0.05, 3.0, 1_000_000_000
SWEEP_SECONDS, SWEEP_BYTES = 90.0, 3_000_000_000
MANY = 1_000_000
TEXTS = ("--format", "json,csv")
LLAMA = ("hf/llama", "workload.context_tokens=1:1000")
TO_FILES = (
    ("100,000 points of hf/llama", (*LLAMA, "workload.batch_size=1:100"), TEXTS, 15.0),
    (
        "100,000 points of deepseek_ocr",
        ("deepseek_ocr", "workload.prompt_tokens=1:1000", "workload.decode_steps=1:100"),
        TEXTS,
        25.0,
    ),
    (
        "1,000,000 points of hf/llama",
        (*LLAMA, "workload.batch_size=1:1000"),
        ("--format", "parquet"),
        60.0,
    ),
)
"""What, its model and what is varied, its formats, and seconds."""


def main() -> int:
    """Print times and ratios; return 1 if a bound is broken."""
    with tempfile.TemporaryDirectory() as folder:
        command = [FLOPBENCH, "sweep", "deepseek_ocr", "vision_prefill", "--jobs", "2"]
        whole = measure([*command, "--plots", "--out", folder], runs=1)
    kept = within(
        "sweep deepseek_ocr vision_prefill, vendor at 53 points, plots",
        whole,
        seconds=SWEEP_SECONDS,
        peak_bytes=SWEEP_BYTES,
    )
    for each in TO_FILES:
        kept &= _to_files(*each)
    # Before the rest: a child's peak is at least its parent's peak so far.
    code = f"import sys; sys.path.insert(0, {FOLDER!r}); import sweep; sweep._many(sweep.MANY)"
    held = measure(python(code), runs=1).peak_bytes
    few = statistics.median(_few() for _ in range(9))
    print(
        f"53 points x 2 modes x 3 stages: {few * 1e3:.1f} ms ({few / FEW_SECONDS:.2f} of the bound)"
    )
    sizes = (1_000, 10_000, 100_000, MANY)
    took = {count: min(_many(count) for _ in range(2)) for count in sizes}
    for count, seconds in took.items():
        ratio = (few / 53) / (seconds / count)
        print(f"{count:,} points: {seconds:.3f} s, {ratio:,.0f} times less per point than for 53")
    per_point = [few / 53, *(seconds / count for count, seconds in took.items())]
    falls = all(b < a for a, b in pairwise(per_point))
    print(f"cost per point falls as points grow: {'yes' if falls else 'NO'}")
    print(
        f"{MANY:,} points: {took[MANY] / MANY_SECONDS:.2f} of the time bound, "
        f"a process of {held / 1e9:.2f} GB ({held / MANY_BYTES:.2f} of the bound)"
    )
    bounds = (few <= FEW_SECONDS, took[MANY] <= MANY_SECONDS, held <= MANY_BYTES, falls, kept)
    return int(not all(bounds))


def _to_files(name: str, what: tuple[str, ...], files: tuple[str, ...], seconds: float) -> bool:
    """Measure a sweep of closed forms from command to files; return whether it keeps its bounds."""
    whole = _analytic(what, files)
    return within(f"{name} as {files[1]}", whole, seconds=seconds, peak_bytes=MANY_BYTES)


def _analytic(what: tuple[str, ...], files: tuple[str, ...]) -> Measured:
    model, *vary = what
    options = [text for each in vary for text in ("--vary", each)]
    with tempfile.TemporaryDirectory() as folder:
        command = [FLOPBENCH, "sweep", model, *options, "--analytic-only", "--no-plots", *files]
        return measure([*command, "--out", folder], runs=1)


def many_points() -> None:
    """Measure what 20,000 points take, against 2,000, from command to files."""
    few, many = (_analytic((*LLAMA, f"workload.batch_size=1:{n}"), TEXTS) for n in (2, 20))
    recorded("hf/llama: 20,000 points / 2,000 points as JSON and CSV", many.cpu_s / few.cpu_s)


def _few() -> float:
    """Return the seconds to price the candidate grids, as `flopbench sweep` does."""
    workloads = [Workload(tile_rows=r, tile_cols=c) for r, c in candidate_grids()]
    gc.collect()
    start = time.perf_counter()
    EVALUATOR.points(workloads)
    return time.perf_counter() - start


def _many(count: int) -> float:
    """Return the seconds to price ``count`` random grids, each with its own context."""
    numbers = np.random.default_rng(0)
    workload = Workload(
        tile_rows=numbers.integers(1, 30, count),
        tile_cols=numbers.integers(1, 30, count),
        prompt_tokens=numbers.integers(1, 10_000, count),
        decode_steps=numbers.integers(1, 1_000, count),
    )
    gc.collect()
    start = time.perf_counter()
    EVALUATOR.price_arrays(workload)
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
