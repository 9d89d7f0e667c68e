"""Measure how long DeepSeek-OCR's stages take on a GPU: kernels, and wall time.

On a machine with an NVIDIA GPU, torch for CUDA and flopbench,
`python scripts/measure_times.py FILE` writes FILE. `measurements/h200_times.json` has the same
fields; docs/time-bounds.md shows them beside the bounds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import torch

from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.vendor_executed import Executed
from flopbench_deepseek_ocr.workload import CropGrid, Inputs, Workload

KINDS = ("sdpa", "flash", "eager")
MODES = {
    "base": {"mode": "base"},
    "gundam3x2": {"mode": "gundam", "crop_grid": CropGrid(rows=3, cols=2)},
}
BATCHES = (1, 8)
STAGES = {"vision": 1, "prefill": 1, "decode": 50}
"""Stages, and the step that is measured."""

RUNS, WARM = 8, 3


Call = Callable[[], object]


def milliseconds(prepare: Callable[[], Call]) -> dict[str, float]:
    """Return wall times by CUDA events and by the host's clock, in milliseconds.

    Args:
        prepare: makes the call anew: a call leaves its keys and values in its cache.
    """
    events, host = [], []
    for _ in range(RUNS):
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        call = prepare()
        torch.cuda.synchronize()
        begun = time.perf_counter()
        first.record()
        call()
        last.record()
        torch.cuda.synchronize()
        host.append(1000 * (time.perf_counter() - begun))
        events.append(first.elapsed_time(last))
    return {"ms": statistics.median(events), "min": min(events), "host_ms": statistics.median(host)}


def kernels(prepare: Callable[[], Call]) -> dict[str, float]:
    """Return the sum of the times of CUDA kernels, and their number."""
    from torch.profiler import ProfilerActivity, profile

    call = prepare()
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        call()
        torch.cuda.synchronize()
    ran = [event for event in profiler.events() if event.device_type.name == "CUDA"]
    ran = [event for event in ran if not event.name.startswith(("Memcpy", "Memset"))]
    total = sum(event.device_time_total for event in ran)
    return {"kernel_ms": total / 1000, "kernels": len(ran)}


def rows(kind: str) -> Iterator[dict[str, Any]]:
    """Yield a measured row per mode, batch and stage; one model serves all of them."""
    model = DeepseekOcr()
    vendor = Executed(model.architecture, kind)
    for (mode, inputs), batch, (stage, step) in product(MODES.items(), BATCHES, STAGES.items()):
        workload = model.workload(Inputs(**inputs, batch_size=batch, decode_steps=step))

        def prepare(stage: str = stage, workload: Workload = workload, step: int = step) -> Call:
            return vendor.prepare(stage, workload, step).run

        with torch.no_grad():
            for _ in range(WARM):
                prepare()()
            row = {"kind": kind, "mode": mode, "batch": batch, "stage": stage, "step": step}
            found = row | milliseconds(prepare) | kernels(prepare)
        print(found, flush=True)
        yield {n: round(v, 3) if isinstance(v, float) else v for n, v in found.items()}


def _again(call: Call) -> Call:
    return call


def ceilings() -> dict[str, float]:
    """Return what simple kernels reach in the same run: a matrix product, a copy, a read."""
    side = 8192
    a, b = (torch.randn(side, side, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    big = torch.empty(2**32, device="cuda", dtype=torch.uint8)
    other = torch.empty_like(big)
    words = big.view(torch.int64)
    calls = (partial(torch.matmul, a, b), partial(other.copy_, big), words.sum)
    for call in calls:
        call()
    gemm, copy, read = (milliseconds(partial(_again, call))["min"] / 1000 for call in calls)
    return {
        "gemm_tflops_8192_bf16": round(2 * side**3 / gemm / 1e12, 1),
        "copy_GBps_read_plus_write": round(2 * big.numel() / copy / 1e9, 1),
        "read_GBps": round(big.numel() / read / 1e9, 1),
    }


def main() -> None:
    """Measure everything, and write it after each kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    file: Path = parser.parse_args().file
    import transformers

    found: dict[str, Any] = {
        "about": (
            f"DeepSeek-OCR's stages on one {torch.cuda.get_device_name()} (torch "
            f"{torch.__version__}, transformers {transformers.__version__}, bfloat16, random "
            f"weights, experts grouped_mm), {datetime.now(UTC):%Y-%m-%d}, by "
            "scripts/measure_times.py. kind = vendor.executed_attention; decode is step 50; "
            "kernel_ms = sum of CUDA kernel times (torch.profiler), ms = wall time by CUDA events "
            "(median of 8), kernels = launches. Ceilings measured in the same run."
        ),
        **ceilings(),
        "rows": [],
    }
    for kind in KINDS:
        found["rows"] += rows(kind)
        lines = ",\n  ".join(json.dumps(row) for row in found["rows"])
        head = json.dumps({**found, "rows": []}, indent=1).removesuffix("[]\n}")
        file.write_text(f"{head}[\n  {lines}\n ]\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
