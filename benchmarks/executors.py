"""Measure what a second worker saves: the vendor counts of a sweep on clusters of one and of two.

Bound on two cores: two workers take at most 0.65 of the time of one, from command to tables, once
they have loaded what they need. Exit status 1 if it is broken.
Run: python benchmarks/executors.py
"""

import logging
import subprocess
import sys
import time

from distributed import LocalCluster
from measure import FLOPBENCH, recorded

AT_MOST = 0.65
SWEEP = (FLOPBENCH, "sweep", "deepseek_ocr", "vision_prefill")
FIRST, WHOLE = ("--grid", "1x2", "--grid", "2x2"), ()


def main() -> int:
    """Print times and their ratio; return 1 if the bound is broken."""
    times, said = {}, set()
    for workers in (1, 2):
        with _cluster(workers) as cluster:
            _timed(*FIRST, "--scheduler", cluster.scheduler_address)
            times[workers], text = _timed(*WHOLE, "--scheduler", cluster.scheduler_address)
            said.add(text)
    if len(said) > 1:
        raise SystemExit("the two sweeps differ")
    ratio = recorded("a vendor sweep: two Dask workers / one", times[2] / times[1])
    print(f"one worker {times[1]:.1f} s, two {times[2]:.1f} s: {ratio:.2f} (bound {AT_MOST})")
    return int(ratio > AT_MOST)


def _cluster(workers: int) -> LocalCluster:
    return LocalCluster(
        workers,
        threads_per_worker=1,
        dashboard_address=None,
        silence_logs=logging.CRITICAL,
    )


def _timed(*options: str) -> tuple[float, bytes]:
    """Return the seconds that the sweep takes, and what it prints."""
    start = time.perf_counter()
    done = subprocess.run([*SWEEP, *options], stdout=subprocess.PIPE, check=True)
    return time.perf_counter() - start, done.stdout


if __name__ == "__main__":
    sys.exit(main())
