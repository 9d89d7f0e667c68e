"""Every attention shape measured on an H200: how many were predicted to the last FLOP."""

import json
from collections import Counter
from pathlib import Path

from flopbench import Attention
from flopbench.kernels.flash_tiles import GPUS
from flopbench.kernels.flash_work import Choice, executed_flops

MEASURED = json.loads(Path(__file__).parents[2].joinpath("measurements/h200.json").read_text())
SIZES = ("batch", "heads", "kv_heads", "head_dim", "queries", "keys", "causal")

measured: Counter[str] = Counter()
equal: Counter[str] = Counter()
for shape in MEASURED["attention"]:
    names = [kernel["name"] for kernel in shape["kernels"] if kernel["executed_flops"]]
    # Left to itself, torch chooses cuDNN here.
    cudnn = shape["backend"] != "flash"
    sizes = {name: shape[name] for name in SIZES}
    op = Attention(component="core", value_dim=shape["head_dim"], **sizes)
    predicted = executed_flops(op, Choice(GPUS["h200"], "cudnn" if cudnn else "auto"))
    kind = "cuDNN" if cudnn else "split-KV" if "splitkv" in names[0] else "FlashAttention-2"
    case = f"{kind}, {'one query' if shape['queries'] == 1 else 'many queries'}"
    measured[case] += 1
    equal[case] += predicted == shape["executed_flops"]
    if predicted != shape["executed_flops"]:
        print("different:", shape, predicted)
for case, count in sorted(measured.items()):
    print(f"{case:32}: {equal[case]:3} of {count:3} shapes, difference 0")
print(f"{'all':32}: {equal.total():3} of {measured.total():3}")
