"""Run commands and measure them: wall time, CPU time and peak memory, medians of several runs.

Two environment variables serve `check.py`: with ``BENCH_QUICK`` few runs are made, and
``BENCH_RATIOS`` names a file that collects the ratios.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

_QUICK_SECONDS = 3.0

FLOPBENCH = str(Path(sys.executable).with_name("flopbench"))


@dataclass(frozen=True)
class Measured:
    """What one command took: medians over its runs, and the highest peak."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


def measure(command: list[str], runs: int) -> Measured:
    """Run ``command`` ``runs`` times after one warm-up.

    A quick check begins no run after 3 seconds; one that takes longer is made once.
    """
    samples = [_once(command)]
    while len(samples) <= runs and not _is_enough(samples):
        samples.append(_once(command))
    samples = samples[1:] or samples
    return Measured(
        wall_s=statistics.median(s.wall_s for s in samples),
        cpu_s=statistics.median(s.cpu_s for s in samples),
        peak_bytes=max(s.peak_bytes for s in samples),
    )


def _is_enough(samples: list[Measured]) -> bool:
    return bool(os.environ.get("BENCH_QUICK")) and sum(s.wall_s for s in samples) > _QUICK_SECONDS


def _once(command: list[str]) -> Measured:
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        # wait4 returns the resource usage of this child alone.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} exited with {process.returncode}")
    return Measured(
        wall_s=time.perf_counter() - start,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_bytes=usage.ru_maxrss * 1024,
    )


def python(code: str) -> list[str]:
    """Return the command that runs ``code`` in a fresh interpreter."""
    return [sys.executable, "-c", code]


def within(name: str, measured: Measured, *, seconds: float, peak_bytes: int) -> bool:
    """Print a command's time and peak against their bounds; return whether it keeps both."""
    print(
        f"{name}: {measured.wall_s:.1f} s ({measured.wall_s / seconds:.2f} of the bound), "
        f"peak {measured.peak_bytes / 1e9:.2f} GB "
        f"({measured.peak_bytes / peak_bytes:.2f} of the bound)"
    )
    return measured.wall_s <= seconds and measured.peak_bytes <= peak_bytes


def recorded(name: str, ratio: float) -> float:
    """Return a ratio of two times of one run, after noting it for `check.py`; higher is slower."""
    if path := os.environ.get("BENCH_RATIOS"):
        with Path(path).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({name: ratio}) + "\n")
    return ratio
