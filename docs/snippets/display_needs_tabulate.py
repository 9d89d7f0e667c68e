"""FlopCounterMode() prints a table on exit, with a package that torch does not install."""

import sys
from importlib.metadata import requires

import torch
from torch.utils.flop_counter import FlopCounterMode

sys.modules["tabulate"] = None  # as if it were not installed, wherever this runs
x = torch.ones(2, 2)
print("torch requires tabulate:", any(r.startswith("tabulate") for r in requires("torch") or ()))
try:
    with FlopCounterMode():
        x @ x
except ModuleNotFoundError as error:
    print("FlopCounterMode(): ModuleNotFoundError:", error.name)
with FlopCounterMode(display=False) as mode:
    x @ x
print("FlopCounterMode(display=False):", mode.get_total_flops())
