"""DeepSeek-OCR's stages on an H200: useful, counted by torch, and executed, per component."""

import json
from collections import Counter
from pathlib import Path

from flopbench import AttentionMode
from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash
from flopbench.conventions import Conventions
from flopbench.kernels.flash_mode import FlashExecuted
from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.workload import Workload

MEASURED = json.loads(Path(__file__).parents[2].joinpath("measurements/h200.json").read_text())
PAGE, VIEW = [3, 2], [0, 0]
STEPS = 100
Flops = Counter[str]


def tensor_flops(stage: str, mode: AttentionMode, grid: list[int], steps: int = 1) -> Flops:
    """Tensor FLOPs of each component."""
    workload = Workload(tile_rows=grid[0], tile_cols=grid[1], decode_steps=steps)
    priced = price(DeepseekOcr().ops(stage, workload), mode, Eager(), Conventions())
    flops: Flops = Counter()
    for line in priced.lines:
        flops[line.component] += line.cost.tensor_flops
    return +flops


def executed(stage: str, attention: str, grid: list[int], step: int = 1) -> Flops:
    """Executed tensor FLOPs of each component in one call."""
    wanted = {"stage": stage, "attention": attention, "tile_grid": grid, "step": step}
    (run,) = (run for run in MEASURED["stages"] if wanted.items() <= run.items())
    return Counter(
        {
            component: sum(kernel["launches"] * kernel["executed_flops"] for kernel in kernels)
            for component, kernels in run["components"].items()
        }
    )


def decode(attention: str) -> Flops:
    """Executed by all steps: the first and the last execute the same, so those between do too."""
    first, last = (executed("decode", attention, PAGE, step) for step in (1, STEPS))
    if first != last:
        raise ValueError("the steps differ")
    return Counter({component: STEPS * flops for component, flops in first.items()})


def head(title: str) -> None:
    """Print the names of the columns."""
    print(f"\n{title + ', GFLOPs':35}{'useful':>10}{'torch':>10}{'eager':>10}", end="")
    print(f"{'sdpa':>10}{'flash':>10}{'eager/torch':>12}{'flash/useful':>13}")


def show(title: str, useful: Flops, torch: Flops, found: list[Flops]) -> None:
    """Print a row per component, and their sum."""
    head(title)
    columns = [useful, torch, *found]
    for name in (*torch, "all"):
        row = [column.total() if name == "all" else column[name] for column in columns]
        print(f"{name:35}" + "".join(f"{flops / 1e9:10.3f}" for flops in row), end="")
        print(f"{row[2] / row[1]:12.4f}{row[4] / row[0]:13.4f}")


def check(stage: str, grid: list[int], core: str) -> None:
    """Print the predicted attention beside the executed one."""
    predicted = tensor_flops(stage, FlashExecuted(), grid)[core]
    found = executed(stage, "flash", grid)[core]
    print(f"{core}: predicted {predicted:,}, executed {found:,}, difference = {predicted - found}")


KINDS = ("eager", "sdpa", "flash")
totals: dict[str, list[Flops]] = {}
for title, stage, grid, core in (
    ("vision, view of 1024 alone", "vision", VIEW, "vision/clip/attention/core"),
    ("vision, view and 6 tiles", "vision", PAGE, "vision/clip/attention/core"),
    ("prefill", "prefill", PAGE, "decoder/attention/core"),
    ("decode, one step", "decode", PAGE, "decoder/attention/core"),
):
    sums = [tensor_flops(stage, mode, grid) for mode in (Flash(), Eager())]
    sums += [executed(stage, kind, grid) for kind in KINDS]
    show(title, sums[0], sums[1], sums[2:])
    check(stage, grid, core)
    totals[stage] = sums
totals["decode"] = [tensor_flops("decode", mode, PAGE, STEPS) for mode in (Flash(), Eager())]
totals["decode"] += [decode(kind) for kind in KINDS]

head("stages")
for title, parts in (
    ("vision", ["vision"]),
    ("prefill", ["prefill"]),
    (f"decode, {STEPS} steps", ["decode"]),
    ("vision_prefill", ["vision", "prefill"]),
    ("end2end", ["vision", "prefill", "decode"]),
):
    row = [sum(totals[part][i].total() for part in parts) for i in range(5)]
    print(f"{title:35}" + "".join(f"{flops / 1e9:10.3f}" for flops in row), end="")
    print(f"{row[2] / row[1]:12.4f}{row[4] / row[0]:13.4f}")
