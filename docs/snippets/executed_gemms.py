"""The kernels of DeepSeek-OCR's eager prefill and decode on an H200, with the tile they name."""

import json
from pathlib import Path

from flopbench.builtin.gemm_tiles import tile_of

MEASURED = json.loads(Path(__file__).parents[2].joinpath("measurements/h200.json").read_text())

print(f"{'component':24}{'kernel':44}{'tile':>24}{'launches':>9}{'GFLOPs':>9}")
for run in MEASURED["stages"]:
    if run["attention"] != "eager" or run["stage"] == "vision" or run["step"] != 1:
        continue
    print(f"{run['stage']}:")
    for component, kernels in run["components"].items():
        for name, work in kernels.items():
            short = name.split("<")[-1].split(">")[0] if "Kernel2<" in name else name.split("<")[0]
            numbers = f"{work['launches']:9}{work['executed_flops'] / 1e9:9.3f}"
            print(f"{component:24}{short:44.43}{tile_of(name)!s:>24}{numbers}")
    for name in run["kernels_without_tensor_work"]:
        print(f"  no tensor work: {name.split('<')[0][:60]}")
