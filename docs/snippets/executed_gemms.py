"""The matrix products of DeepSeek-OCR's eager stages on an H200: tile, and what padding costs."""

import json
from collections import Counter
from pathlib import Path

from flopbench.kernels.gemm_products import executed_flops, product_of
from flopbench.kernels.gemm_tiles import tile_of

MEASURED = json.loads(Path(__file__).parents[2].joinpath("measurements/h200.json").read_text())
TITLES = {
    "vision [0, 0]": "vision, view of 1024 alone",
    "vision [3, 2]": "vision, view and 6 tiles",
}
SHOWN = 10

print(f"  {'component':27}{'rows x columns x depth':26}{'tile m x n x k':25}", end="")
print("   useful executed     ratio   padding (TFLOPs; % of the stage's products)")
for run in MEASURED["stages"]:
    if run["attention"] != "eager" or run["step"] != 1:
        continue
    rows, useful, different = [], 0, 0
    for component, kernels in run["components"].items():
        groups: Counter[tuple[str, str]] = Counter()
        needed: Counter[tuple[str, str]] = Counter()
        for kernel in kernels:
            product = product_of(kernel["op"], kernel["operands"])
            predicted = executed_flops(product, kernel["name"], kernel["grid"])
            different += predicted != kernel["executed_flops"]
            batch = f"{product.batch} x " if product.batch > 1 else ""
            shape = f"{batch}{product.m} x {product.n} x {product.k}"
            key = shape, str(tile_of(kernel["name"]))
            groups[key] += kernel["launches"] * kernel["executed_flops"]
            needed[key] += kernel["launches"] * product.useful_flops
        for key, flops in groups.items():
            rows.append((flops - needed[key], component, *key, needed[key], flops))
        useful += needed.total()
    kind = f"{run['stage']} {run['tile_grid']}"
    padding = sum(row[0] for row in rows)
    print(f"\n{TITLES.get(kind, run['stage'])}: {len(rows)} kinds of product, ", end="")
    print(f"{different} differ from whole tiles; {1 + padding / useful:.4f} times useful")
    for extra, component, shape, tile, needs, flops in sorted(rows, reverse=True)[:SHOWN]:
        print(f"  {component:27}{shape:26}{tile:25}{needs / 1e12:9.4f}{flops / 1e12:9.4f}", end="")
        print(f"{flops / needs:10.4f}{extra / useful:10.2%}")
