"""Measure what a second worker saves: a survey of 60 configs on Dask clusters of one and of two.

Bound on two cores: two workers take at most 0.65 of the time of one, from command to files, once
they have loaded what they need. Exit status 1 if it is broken.
Run: python benchmarks/executors.py
"""

import json
import logging
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from distributed import Client, LocalCluster
from measure import FLOPBENCH, recorded

import flopbench

AT_MOST = 0.65
CHECK = "run"
FILES = ("survey.json", "survey.csv", "survey.md")
LAYERS = (4, 8, 16, 24)
TYPES = (
    *("cohere", "gemma", "gemma2", "glm4", "gpt_oss", "granite", "llama", "mistral", "mixtral"),
    *("olmo2", "phi3", "qwen2", "qwen3", "qwen3_moe", "starcoder2"),
)
SIZES = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "vocab_size": 128,
    "pad_token_id": None,
}


def main() -> int:
    """Print times and their ratio; return 1 if the bound is broken."""
    with TemporaryDirectory() as name:
        configs = Path(name, "configs")
        _write(configs)
        one, written = _measured(configs, Path(name), 1)
        two, again = _measured(configs, Path(name), 2)
    if written != again:
        raise SystemExit("the two surveys differ")
    ratio = recorded("a survey of 60 configs: two Dask workers / one", two / one)
    print(f"one worker {one:.1f} s, two {two:.1f} s: {ratio:.2f} (bound {AT_MOST})")
    return int(ratio > AT_MOST)


def _write(folder: Path) -> None:
    """Write the configs."""
    folder.mkdir()
    for kind in TYPES:
        for layers in LAYERS:
            config = {"model_type": kind, "num_hidden_layers": layers, **SIZES}
            (folder / f"{kind}-{layers}.json").write_text(json.dumps(config), encoding="utf-8")


def _measured(configs: Path, folder: Path, workers: int) -> tuple[float, list[bytes]]:
    """Return the seconds that a survey takes on some workers, and the bytes that it writes."""
    first = str(next(iter(configs.iterdir())))
    out = folder / f"{workers}"
    with LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        dashboard_address=None,
        silence_logs=logging.CRITICAL,
    ) as cluster:
        with Client(cluster.scheduler_address) as client:
            warmed = client.run(flopbench.survey, first)
        if len(warmed) != workers:
            raise SystemExit(f"the cluster has {len(warmed)} workers, not {workers}")
        start = time.perf_counter()
        _survey(configs, out, cluster.scheduler_address)
        took = time.perf_counter() - start
    return took, [(out / name).read_bytes() for name in FILES]


def _survey(configs: Path, out: Path, address: str) -> None:
    options = ("--check", CHECK, "--no-seconds", "--scheduler", address, "--out", str(out))
    command = [FLOPBENCH, "survey", str(configs), *options]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    sys.exit(main())
