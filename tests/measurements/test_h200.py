"""The predictions against what an H200 executed (measurements/h200.json), to the last FLOP."""

import json
from collections import Counter
from itertools import product
from pathlib import Path

import measure_executed
import pytest

from flopbench.errors import UsageError
from flopbench.kernels.flash_mode import FlashExecuted
from flopbench.kernels.flash_tiles import GPUS
from flopbench.kernels.flash_work import Choice, executed_flops
from flopbench.kernels.gemm_products import executed_flops as padded_flops
from flopbench.kernels.gemm_products import product_of
from flopbench.kernels.gemm_tiles import tile_of
from flopbench.ops import Attention
from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.workload import Workload
from support.stages import price_stage

ROOT = Path(__file__).parents[2]
DATA = json.loads((ROOT / "measurements/h200.json").read_text())
PREDICTED = json.loads((ROOT / "measurements/h200_predicted.json").read_text())
SIZES = ("batch", "heads", "kv_heads", "head_dim", "queries", "keys", "causal")
FAMILY = {"flash_fwd_kernel": "fa2", "flash_fwd_splitkv_kernel": "fa2_splitkv", "sdpa_sm": "cudnn"}

DIFFERENT = {}
"""Shapes whose prediction is not what was executed, with the reason as far as known."""


def attention(shape):
    sizes = {name: shape[name] for name in SIZES}
    return Attention(component="core", value_dim=shape["head_dim"], **sizes)


def family(shape):
    """The family of the kernel that did the work, by its name."""
    working = {k["name"] for k in shape["kernels"] if k["executed_flops"]}
    (found,) = {f for name in working for part, f in FAMILY.items() if part in name}
    return found


def choice(shape):
    """What is predicted from the backend alone; left to itself, torch takes cuDNN."""
    return Choice(GPUS["h200"], "auto" if shape["backend"] == "flash" else "cudnn")


def label(shape):
    sizes = " ".join(str(shape[name]) for name in SIZES)
    return f"{shape['backend']} {sizes} {shape['dtype']}"


def test_every_shape_executes_what_was_predicted():
    wrong = {}
    for shape in DATA["attention"]:
        predicted = executed_flops(attention(shape), choice(shape))
        if predicted != shape["executed_flops"]:
            wrong[label(shape)] = (predicted, shape["executed_flops"])
    assert set(wrong) == set(DIFFERENT)
    assert len(wrong) <= 0.05 * len(DATA["attention"])


def kernel_of(shape):
    """The kernel that is predicted."""
    op = attention(shape)
    if shape["backend"] != "flash":
        return "cudnn"
    return "fa2_splitkv" if Choice(GPUS["h200"]).splits(op, op.keys) > 1 else "fa2"


def test_the_kernel_was_predicted_from_the_shape():
    for shape in DATA["attention"]:
        assert family(shape) == kernel_of(shape), label(shape)


def test_the_number_of_splits_was_predicted_from_the_shape():
    """The split-KV kernel's grid is (row blocks, splits, batch x heads)."""
    seen = set()
    for shape in DATA["attention"]:
        for kernel in shape["kernels"]:
            if "splitkv_kernel" in kernel["name"]:
                grid = [int(side) for side in kernel["grid"].strip("()").split(",")]
                op = attention(shape)
                assert grid[1] == Choice(GPUS["h200"]).splits(op, op.keys), label(shape)
                seen.add(grid[1])
    assert len(seen) > 10


def test_kernel_names_tell_the_predicted_tile():
    """cuDNN's names say the rows of a warpgroup; of the Hopper kernel's two, each has 64."""
    for shape in DATA["attention"]:
        tile = choice(shape).tile(kernel_of(shape), attention(shape))
        for kernel in shape["kernels"]:
            if kernel["executed_flops"]:
                told = tile_of(kernel["name"])
                warpgroups = 2 if "sdpa_sm90" in kernel["name"] else 1
                assert (told.m * warpgroups, told.n) == (tile.rows, tile.keys), label(shape)


def test_drawn_shapes_were_predicted_before_they_were_measured():
    """The predictions are of a commit before the measurement; both draw the same shapes."""
    drawn = [s for s in DATA["attention"] if s["part"].startswith("drawn")]
    assert len(drawn) == len(PREDICTED) == 52
    for shape, predicted in zip(drawn, PREDICTED, strict=True):
        wanted = {name: shape[name] for name in ("backend", "dtype", *SIZES)}
        assert wanted.items() <= predicted.items()
        assert predicted["executed_flops"] == shape["executed_flops"], label(shape)
        assert predicted["kernel"] == family(shape), label(shape)


def test_cudnn_changes_its_tile_where_it_was_measured_on_both_sides():
    single = [s for s in DATA["attention"] if family(s) == "cudnn" and s["queries"] == 1]
    for low, high in ((32, 33), (256, 257)):
        keys = {s["keys"] for s in single}
        assert {low, high} <= keys
    for width, grouped in product((64, 128), (True, False)):
        seen = {
            s["keys"]
            for s in single
            if s["head_dim"] == width and (s["heads"] != s["kv_heads"]) == grouped
        }
        assert {130, 160, 192, 193, 255, 256, 257, 280} <= seen


def test_combining_splits_does_no_tensor_work():
    combining = [k for s in DATA["attention"] for k in s["kernels"] if "combine" in k["name"]]
    assert len(combining) > 50
    assert not any(kernel["executed_flops"] for kernel in combining)


def test_what_was_measured_covers_what_it_should():
    shapes = DATA["attention"]
    assert len({label(shape) for shape in shapes}) >= 500
    assert {s["head_dim"] for s in shapes} >= {64, 128}
    assert {s["causal"] for s in shapes} == {True, False}
    prefills = [s["queries"] for s in shapes if s["queries"] == s["keys"]]
    assert min(prefills) == 1
    assert max(prefills) == 8192
    assert sum(n % 64 != 0 for n in prefills) > 40
    decodes = {s["keys"] for s in shapes if s["queries"] == 1}
    assert {64, 16384} <= decodes
    by_kernel = Counter(map(family, shapes))
    assert min(by_kernel[kernel] for kernel in ("fa2", "fa2_splitkv", "cudnn")) > 50
    calls = {(s["stage"], s["attention"]) for s in DATA["stages"]}
    stages = ("vision", "prefill", "decode")
    assert calls == {(stage, a) for stage in stages for a in ("eager", "sdpa", "flash")}


def test_each_part_says_where_it_comes_from():
    assert DATA["machines"]
    for here in DATA["machines"]:
        assert here["gpu"] == "NVIDIA H200"
        assert here["multiprocessors"] == GPUS["h200"].multiprocessors
        wanted = {"gpu_id", "driver", "torch", "cudnn", "ncu", "metrics", "script", "transformers"}
        assert wanted <= set(here)
        assert (ROOT / here["script"]).is_file()
    for part in DATA["parts"].values():
        assert 0 <= part["machine"] < len(DATA["machines"])
        assert part["date"] >= "2026-11-24"
    measured = {entry["part"] for entry in (*DATA["attention"], *DATA["stages"])}
    assert measured == set(DATA["parts"]) == set(measure_executed.parts())


def test_a_file_of_another_machine_is_not_added_to_unless_asked():
    machines = [{"gpu": "NVIDIA H200", "torch": "2.11"}]
    here = {"gpu": "NVIDIA H200", "torch": "2.12"}
    with pytest.raises(UsageError, match=r"measured elsewhere \(torch '2.11' -> '2.12'\)"):
        measure_executed.machine_number(machines, here, mix=False)
    assert measure_executed.machine_number(machines, machines[0], mix=False) == 0
    assert measure_executed.machine_number(machines, here, mix=True) == 1
    assert machines[1] == here
    assert measure_executed.machine_number([], here, mix=False) == 0


class CudnnExecuted(FlashExecuted):
    name = "cudnn_executed"
    choice = Choice(GPUS["h200"], "cudnn")


def tensor_flops(stage, mode=None, step=1, grid=(3, 2)):
    """Analytic tensor FLOPs of a single call, by component."""
    # A later decode step is the first one after a longer prompt.
    rows, columns = grid
    prompt = 9 + step
    sizes = {"tile_rows": rows, "tile_cols": columns, "prompt_tokens": prompt}
    workload = Workload(**sizes, decode_steps=1)
    flops = Counter()
    for line in price_stage(DeepseekOcr(), stage, workload, mode).lines:
        flops[line.component] += line.cost.tensor_flops
    return +flops


def executed(run):
    return {
        component: sum(kernel["launches"] * kernel["executed_flops"] for kernel in kernels)
        for component, kernels in run["components"].items()
    }


def run_name(run):
    return f"{run['stage']}-{run['step']}-{run['attention']}-{run['tile_grid'][0]}"


OFF_TENSOR_CORES = {
    ("vision", "vision/sam/patch_embed"): "implicit_convolve_sgemm",
    ("prefill", "decoder/moe/router"): "sm80_xmma_gemm_f32f32_f32f32_f32",
    ("decode", "decoder/moe/router"): "dot_kernel",
    ("decode", "decoder/attention/core"): "gemv2T_kernel_val",
}
"""Matrix work that kernels do with scalar instructions, and the kernel."""


@pytest.mark.parametrize("run", DATA["stages"], ids=run_name)
def test_no_tensor_work_is_without_a_component(run):
    assert set(executed(run)) <= set(tensor_flops(run["stage"]))


EAGER = [run for run in DATA["stages"] if run["attention"] == "eager" and run["step"] == 1]


@pytest.mark.parametrize("run", EAGER, ids=run_name)
def test_eager_stages_execute_the_analytic_products(run):
    """The useful work of what ran, by the operands of its ops, is the closed forms'."""
    analytic = tensor_flops(run["stage"], grid=run["tile_grid"])
    useful = {
        component: sum(k["launches"] * product_of(k["op"], k["operands"]).useful_flops for k in ks)
        for component, ks in run["components"].items()
    }
    for component, flops in analytic.items():
        kernel = OFF_TENSOR_CORES.get((run["stage"], component))
        if kernel is None:
            assert useful[component] == flops, component
        else:
            assert component not in useful
            assert any(kernel in name for name in run["kernels_without_tensor_work"])


NOT_PRODUCTS = ("sdpa_", "flash_fwd", "fmha_")
"""Kernels of fused attention."""


@pytest.mark.parametrize("run", DATA["stages"], ids=run_name)
def test_products_execute_whole_tiles_of_the_tile_that_the_kernel_names(run):
    """Padding only, to the last operation: rows, columns and depth to tiles and clusters."""
    seen = 0
    for component, kernels in run["components"].items():
        for kernel in kernels:
            if any(part in kernel["name"] for part in NOT_PRODUCTS):
                assert component.endswith("attention/core")
                continue
            product_ = product_of(kernel["op"], kernel["operands"])
            predicted = padded_flops(product_, kernel["name"], kernel["grid"])
            assert predicted == kernel["executed_flops"], kernel
            assert predicted >= product_.useful_flops
            seen += 1
    assert seen >= 9


def test_no_kernel_was_left_out_and_those_of_no_tensor_work_are_named():
    idle = set().union(*(run["kernels_without_tensor_work"] for run in DATA["stages"]))
    for name in ("elementwise_kernel", "CatArrayBatchedCopy", "vectorized_layer_norm_kernel"):
        assert any(name in kernel for kernel in idle)
    assert not any("nvjet" in kernel or "cutlass" in kernel for kernel in idle)


FUSED = [run for run in DATA["stages"] if run["attention"] != "eager"]


@pytest.mark.parametrize("run", FUSED, ids=run_name)
def test_the_attention_of_whole_stages_was_predicted(run):
    mode = FlashExecuted() if run["attention"] == "flash" else CudnnExecuted()
    predicted = tensor_flops(run["stage"], mode, run["step"], run["tile_grid"])
    core = {"vision": "vision/clip/attention/core"}.get(run["stage"], "decoder/attention/core")
    assert executed(run)[core] == predicted[core]


def test_every_step_between_the_first_and_the_last_executes_the_same():
    """So a hundred steps are a hundred times one: a step's work only grows with its keys."""
    for kind in ("eager", "sdpa", "flash"):
        runs = (r for r in DATA["stages"] if (r["stage"], r["attention"]) == ("decode", kind))
        first, last = map(executed, runs)
        assert first == last
