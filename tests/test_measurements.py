"""The predictions against what an H200 executed (measurements/h200.json), to the last FLOP."""

import json
from collections import Counter
from pathlib import Path

import pytest

from deepseek_helpers import price_stage
from flopbench.builtin.flash_executed import FlashExecuted
from flopbench.builtin.flash_tiles import GPUS
from flopbench.builtin.flash_work import Choice, executed_flops
from flopbench.builtin.gemm_tiles import tile_of
from flopbench.ops import Attention
from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.workload import Workload

DATA = json.loads(Path(__file__).parents[1].joinpath("measurements/h200.json").read_text())
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


def label(shape):
    sizes = " ".join(str(shape[name]) for name in SIZES)
    return f"{shape['backend']} {sizes} {shape['dtype']}"


def test_every_shape_executes_what_was_predicted():
    wrong = {}
    for shape in DATA["attention"]:
        kernel = "cudnn" if family(shape) == "cudnn" else "auto"
        predicted = executed_flops(attention(shape), Choice(GPUS["h200"], kernel))
        if predicted != shape["executed_flops"]:
            wrong[label(shape)] = (predicted, shape["executed_flops"])
    assert set(wrong) == set(DIFFERENT)
    assert len(wrong) <= 0.05 * len(DATA["attention"])


def test_the_kernel_was_predicted_from_the_shape():
    for shape in DATA["attention"]:
        if shape["backend"] == "flash":
            op = attention(shape)
            splits = Choice(GPUS["h200"]).splits(op, op.keys)
            assert family(shape) == ("fa2_splitkv" if splits > 1 else "fa2"), label(shape)


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
    for shape in DATA["attention"]:
        if shape["backend"] == "flash":
            tile = Choice(GPUS["h200"]).tile(family(shape), attention(shape))
            told = [tile_of(k["name"]) for k in shape["kernels"] if k["executed_flops"]]
            assert {(t.m, t.n) for t in told} == {(tile.rows, tile.keys)}, label(shape)


def test_combining_splits_does_no_tensor_work():
    combining = [k for s in DATA["attention"] for k in s["kernels"] if "combine" in k["name"]]
    assert len(combining) > 50
    assert not any(kernel["executed_flops"] for kernel in combining)


def test_what_was_measured_covers_what_it_should():
    shapes = DATA["attention"]
    assert len({label(shape) for shape in shapes}) >= 400
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


def test_the_data_say_where_they_come_from():
    provenance = DATA["provenance"]
    assert provenance["gpu"] == "NVIDIA H200"
    assert provenance["multiprocessors"] == GPUS["h200"].multiprocessors
    wanted = {"driver", "torch", "cudnn", "ncu", "metrics", "date", "script", "transformers"}
    assert wanted <= set(provenance)
    assert (Path(__file__).parents[1] / provenance["script"]).is_file()


class CudnnExecuted(FlashExecuted):
    name = "cudnn_executed"
    choice = Choice(GPUS["h200"], "cudnn")


def tensor_flops(stage, mode=None, step=1):
    """Analytic tensor FLOPs of a single call, by component."""
    # A later decode step is the first one after a longer prompt.
    workload = Workload(tile_rows=3, tile_cols=2, prompt_tokens=9 + step, decode_steps=1)
    flops = Counter()
    for line in price_stage(DeepseekOcr(), stage, workload, mode).lines:
        flops[line.component] += line.cost.tensor_flops
    return +flops


def executed(run):
    return {
        component: sum(kernel["executed_flops"] for kernel in kernels.values())
        for component, kernels in run["components"].items()
    }


def run_name(run):
    return f"{run['stage']}-{run['step']}-{run['attention']}"


OFF_TENSOR_CORES = {
    ("vision", "vision/sam/patch_embed"): "implicit_convolve_sgemm",
    ("prefill", "decoder/moe/router"): "sm80_xmma_gemm_f32f32_f32f32_f32",
    ("decode", "decoder/moe/router"): "dot_kernel<float",
    ("decode", "decoder/attention/core"): "gemv2T_kernel_val",
}
"""Matrix work that kernels do with scalar instructions, and the kernel."""


@pytest.mark.parametrize("run", DATA["stages"], ids=run_name)
def test_no_tensor_work_is_without_a_component(run):
    assert set(executed(run)) <= set(tensor_flops(run["stage"]))


EAGER = [run for run in DATA["stages"] if run["attention"] == "eager" and run["step"] == 1]


@pytest.mark.parametrize("run", EAGER, ids=run_name)
def test_eager_stages_execute_the_analytic_work_and_padding(run):
    analytic, found = tensor_flops(run["stage"]), executed(run)
    for component, flops in analytic.items():
        kernel = OFF_TENSOR_CORES.get((run["stage"], component))
        if kernel is None:
            assert found[component] >= flops, component
        else:
            assert component not in found
            assert any(kernel in name for name in run["kernels_without_tensor_work"])


FUSED = [run for run in DATA["stages"] if run["attention"] != "eager"]


@pytest.mark.parametrize("run", FUSED, ids=run_name)
def test_the_attention_of_whole_stages_was_predicted(run):
    mode = FlashExecuted() if run["attention"] == "flash" else CudnnExecuted()
    predicted = tensor_flops(run["stage"], mode, run["step"])
    core = {"vision": "vision/clip/attention/core"}.get(run["stage"], "decoder/attention/core")
    assert executed(run)[core] == predicted[core]


def test_matrix_products_are_padded_to_their_kernels_tile():
    """The prefill's projections: 1280 x 1280 for 913 tokens, in tiles of 128 x 72."""
    (run,) = (run for run in EAGER if run["stage"] == "prefill")
    ((name, kernel),) = run["components"]["decoder/attention/out"].items()
    tile = tile_of(name)
    assert (tile.m, tile.n, tile.cluster) == (128, 72, (2, 1))
    padded = -(-913 // tile.n) * tile.n
    assert kernel["executed_flops"] == kernel["launches"] * 2 * 1280 * 1280 * padded
