"""Measure what a proof takes, and what a law saves over counting each point.

Bounds on two cores: `flopbench prove deepseek_ocr` 60 s and 1.5 GB of peak memory; `flopbench
prove` of Llama 3.1 8B, gpt-oss 20B, Qwen3 30B-A3B and DeepSeek-V3 15 s each, and the first's
prefill at most 0.5 of the CPU time of `--every-layer`; the vendor's FLOPs at 100,000 points by one
law 5 s. Exit status 1 if a bound is broken.
Run: python benchmarks/laws.py
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from measure import FLOPBENCH, measure, recorded, within

from flopbench.builtin.torch_counter import TorchCounter
from flopbench.laws.law import Subject
from flopbench.laws.vendor_law import vendor_law
from flopbench.vendor.counting import count_stage
from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.vendor import DeepseekOcrVendor, VendorOptions
from flopbench_deepseek_ocr.workload import Inputs

SECONDS, BYTES, SWEEP_SECONDS = 60.0, 1_500_000_000, 5.0
POINTS = 100_000
PUBLISHED_SECONDS, SHARED = 15.0, 0.5
PUBLISHED = Path(__file__).parents[1] / "tests/plugins/transformers_lm/published.json"
"""Models of published sizes, with the fields of their publishers' config.json."""
LLAMA_8B = "meta-llama/Llama-3.1-8B"


def main() -> int:
    """Print times, peaks and ratios; return 1 if a bound is broken."""
    proof = measure([FLOPBENCH, "prove", "deepseek_ocr"], runs=1)
    kept = within("flopbench prove deepseek_ocr", proof, seconds=SECONDS, peak_bytes=BYTES)
    kept = all([kept, proofs_of_published_sizes(), equal_layers_once()])
    model, counter = DeepseekOcr(), TorchCounter()
    vendor = DeepseekOcrVendor.from_options(model.architecture, VendorOptions())
    workload = model.workload(Inputs())
    subject = Subject(
        vendor=vendor,
        counter=counter,
        model=model,
        stage="decode",
        workload=workload,
        open_sizes=model.sizes,
    )
    law = vendor_law(subject)
    contexts = np.arange(1, POINTS + 1)
    start = time.perf_counter()
    law.at({"B": 1, "S": contexts, "K": 100})
    evaluated = time.perf_counter() - start
    start = time.perf_counter()
    count_stage(counter, vendor.stage("decode", workload))
    counted = time.perf_counter() - start
    print(
        f"decode at {POINTS:,} contexts by one law: {evaluated:.3f} s; counting one point: "
        f"{counted:.3f} s; {counted * POINTS / evaluated:,.0f} times faster per point"
    )
    return int(not kept or evaluated > SWEEP_SECONDS)


def proofs_of_published_sizes() -> bool:
    """Prove models of published sizes; return whether each keeps its bounds."""
    kept = []
    for name in json.loads(PUBLISHED.read_text(encoding="utf-8")):
        with config_of(name) as file:
            took = measure([FLOPBENCH, "prove", file], 1)
        what = f"flopbench prove of {name}"
        kept.append(within(what, took, seconds=PUBLISHED_SECONDS, peak_bytes=BYTES))
    return all(kept)


@contextmanager
def config_of(name: str) -> Iterator[str]:
    """Write the config of a published model to a file, for as long as it is needed."""
    config = json.loads(PUBLISHED.read_text(encoding="utf-8"))[name]["config"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.json"
        file.write_text(json.dumps(config), encoding="utf-8")
        yield str(file)


def equal_layers_once() -> bool:
    """Prove the prefill of a published 8B with equal layers once, and with every layer."""
    with config_of(LLAMA_8B) as file:
        command = [FLOPBENCH, "prove", file, "--stages", "prefill"]
        once, every = measure(command, 1), measure([*command, "--every-layer"], 1)
    ratio = recorded("prefill of an 8B: layers once / every layer", once.cpu_s / every.cpu_s)
    print(
        f"  its prefill: {once.wall_s:.1f} s, with every layer {every.wall_s:.1f} s: "
        f"{ratio:.2f} of the CPU time (bound {SHARED})"
    )
    return ratio <= SHARED


if __name__ == "__main__":
    sys.exit(main())
