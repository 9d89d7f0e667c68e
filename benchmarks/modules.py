"""Measure counts and laws of whole models: a Llama of 7B from its config, and BERT-base.

Bounds on two cores, imports included: a count 5 s and 1.5 GB of peak memory, the Llama's law in
batch and tokens 15 s. Exit status 1 if a bound is broken. Run: python benchmarks/modules.py
"""

import sys

from measure import Measured, measure, python, within

RUNS = 3
COUNT_SECONDS, LAW_SECONDS, BYTES = 5.0, 15.0, 1_500_000_000
BUILD = """
import torch
from transformers import {model}, {config}
with torch.device("meta"):
    model = {model}({config}()).eval()
"""
COUNT = """
import flopbench
counted = flopbench.count(model, torch.empty(1, {tokens}, dtype=torch.long, device="meta"))
assert counted.complete
"""
LAW = """
import flopbench
inputs = lambda B, S: torch.empty(B, S, dtype=torch.long, device="meta")
law = flopbench.law(model, inputs, dims={{"B": 1, "S": {tokens}}})
assert law.open == ("B", "S") and law.proved
"""


def main() -> int:
    """Print times, peaks and ratios; return 1 if a bound is broken."""
    llama = {"model": "LlamaForCausalLM", "config": "LlamaConfig", "tokens": 2048}
    bert = {"model": "BertModel", "config": "BertConfig", "tokens": 512}
    kept = [
        _measured("count of a Llama of 7B", COUNT, COUNT_SECONDS, llama),
        _measured("law of a Llama of 7B in B and S", LAW, LAW_SECONDS, llama),
        _measured("count of BERT-base", COUNT, COUNT_SECONDS, bert),
    ]
    return int(not all(kept))


def _measured(name: str, code: str, seconds: float, names: dict[str, object]) -> bool:
    """Measure a count or a law in a process of its own, against building the model alone."""
    built = _process(BUILD, names)
    whole = _process(BUILD + code, names)
    kept = within(name, whole, seconds=seconds, peak_bytes=BYTES)
    print(
        f"  {whole.wall_s / built.wall_s:.2f} times importing and building alone "
        f"({built.wall_s:.1f} s); CPU time {whole.cpu_s:.1f} s, "
        f"{whole.cpu_s / built.cpu_s:.2f} times"
    )
    return kept


def _process(code: str, names: dict[str, object]) -> Measured:
    return measure(python(code.format(**names)), RUNS)


if __name__ == "__main__":
    sys.exit(main())
