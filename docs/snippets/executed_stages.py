"""DeepSeek-OCR's stages on an H200: useful, counted by torch, and executed, per component."""

import json
from pathlib import Path

from flopbench import AttentionMode
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash
from flopbench.builtin.flash_executed import FlashExecuted
from flopbench.conventions import Conventions
from flopbench.pricing import price
from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.workload import Workload

MEASURED = json.loads(Path(__file__).parents[2].joinpath("measurements/h200.json").read_text())
CALLS = {"vision": 1, "prefill": 1, "decode": 1}


def tensor_flops(stage: str, mode: AttentionMode) -> dict[str, int]:
    """Tensor FLOPs of each component, and in all."""
    workload = Workload(tile_rows=3, tile_cols=2, decode_steps=1)
    priced = price(DeepseekOcr().ops(stage, workload), mode, Eager(), Conventions())
    flops: dict[str, int] = {}
    for line in priced.lines:
        if line.cost.tensor_flops:
            flops[line.component] = flops.get(line.component, 0) + line.cost.tensor_flops
    return flops | {"all": sum(flops.values())}


def executed(stage: str, step: int, attention: str) -> dict[str, int]:
    """Executed tensor FLOPs of each component, and in all."""
    (run,) = (
        entry
        for entry in MEASURED["stages"]
        if (entry["stage"], entry["step"], entry["attention"]) == (stage, step, attention)
    )
    flops = {
        component: sum(kernel["executed_flops"] for kernel in kernels.values())
        for component, kernels in run["components"].items()
    }
    return flops | {"all": sum(flops.values())}


for stage, step in CALLS.items():
    useful, counted = tensor_flops(stage, Flash()), tensor_flops(stage, Eager())
    eager, sdpa, flash = (executed(stage, step, a) for a in ("eager", "sdpa", "flash"))
    print(f"\n{stage + ', GFLOPs':24}{'useful':>10}{'torch':>10}{'eager':>10}", end="")
    print(f"{'sdpa':>10}{'flash':>10}{'eager/torch':>12}{'flash/useful':>13}")
    for component in counted:
        row = (x.get(component, 0) for x in (useful, counted, eager, sdpa, flash))
        print(f"{component:24}" + "".join(f"{flops / 1e9:10.3f}" for flops in row), end="")
        print(f"{eager.get(component, 0) / counted[component]:12.4f}", end="")
        print(f"{flash.get(component, 0) / useful[component]:13.4f}")
    predicted = tensor_flops(stage, FlashExecuted())
    for core in (c for c in counted if c.endswith("attention/core") and "sam" not in c):
        difference = predicted[core] - flash[core]
        print(f"{core}: predicted {predicted[core]:,}, executed {flash[core]:,}, {difference = }")
