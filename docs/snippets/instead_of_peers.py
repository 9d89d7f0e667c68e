"""The call of each counter, and the line of flopbench that replaces it."""

import contextlib
import io
from collections.abc import Callable

import ptflops
import thop
import torch
import torchinfo
from calflops import calculate_flops
from fvcore.nn import FlopCountAnalysis
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import flopbench

model = nn.Sequential(
    nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.Flatten(), nn.Linear(8 * 16 * 16, 10, bias=False)
).eval()
x = torch.ones(1, 3, 16, 16)
quiet = {"print_results": False, "output_as_string": False}
plain = {"as_strings": False, "print_per_layer_stat": False}


def torch_counts() -> int:
    """Count as torch's documentation does."""
    with FlopCounterMode(display=False) as mode:
        model(x)
    return mode.get_total_flops()


CALLS: tuple[tuple[str, str, Callable[[], float], Callable[[], int]], ...] = (
    ("FlopCounterMode", "FLOP", torch_counts, lambda: flopbench.count(model, x).flops),
    (
        "fvcore",
        "MAC",
        lambda: FlopCountAnalysis(model, x).total(),
        lambda: flopbench.count(model, x).flops // 2,
    ),
    (
        "calflops",
        "FLOP",
        lambda: calculate_flops(model, input_shape=(1, 3, 16, 16), **quiet)[0],
        lambda: flopbench.count(model, x).flops,
    ),
    (
        "ptflops",
        "MAC",
        lambda: ptflops.get_model_complexity_info(model, (3, 16, 16), **plain)[0],
        lambda: flopbench.count(model, torch.empty(1, 3, 16, 16)).flops // 2,
    ),
    (
        "thop",
        "MAC",
        lambda: thop.profile(model, inputs=(x,), verbose=False)[0],
        lambda: flopbench.count(model, x).flops // 2,
    ),
    (
        "torchinfo",
        "MAC",
        lambda: torchinfo.summary(model, input_size=(1, 3, 16, 16), verbose=0).total_mult_adds,
        lambda: flopbench.count(model, torch.empty(1, 3, 16, 16)).flops // 2,
    ),
)

for name, unit, theirs, ours in CALLS:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        counted = int(theirs()), ours()
    print(f"{name:16}{counted[0]:>9,} {unit + 's':6} flopbench {counted[1]:>9,}")
