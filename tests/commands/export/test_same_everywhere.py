"""Exported Python, JavaScript and JSON give the integers of flopbench's own evaluation."""

import json

import numpy as np
import pytest

from flopbench.commands.run.runner import run
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.families import FAMILIES
from plugins.transformers_lm.tiny_configs import one_per_family, tiny
from support.exported import (
    NODE,
    by_node,
    by_python,
    evaluated,
    exported,
    module_of,
    plan_of,
    prices,
    random_points,
)
from support.plans import analytic_plan


def hf(kind):
    """Return a plan of a small model of a type."""
    model = HfModel(tiny(kind))
    workload = model.workload(model.inputs_type(context_tokens=23, decode_steps=9))
    return plan_of(model, workload, stages=("prefill", "decode"))


def assert_same(plan, count, folder):
    """Compare all three with prices in arrays, on random points of each stage."""
    laws = exported(plan)
    module, data = module_of(laws), json.loads(laws.to_json())
    stages = {stage.name: stage for stage in plan.stages}
    points = {stage.name: random_points(laws, stage, count) for stage in laws.stages}
    in_node = by_node(laws, points, folder) if NODE else {}
    compared = 0
    for stage, as_json in zip(laws.stages, data["stages"], strict=True):
        sizes = points[stage.name]
        there = len(next(iter(sizes.values()))) if sizes else 1
        wanted = prices(plan, stages[stage.name], sizes)
        for law, plain in zip(stage.laws, as_json["laws"], strict=True):
            if law.quantity == "bytes_moved":
                continue
            value = wanted[law.quantity, law.attention, law.component]
            want = list(np.broadcast_to(np.asarray(value, dtype=object), there))
            assert list(evaluated(plain["tree"], sizes, there)) == want, law.identifier
            if law.component is None:
                assert by_python(module, law, sizes) == want, law.identifier
                assert not NODE or in_node[law.identifier] == want, law.identifier
                compared += there
    return compared


@pytest.mark.parametrize("kind", ["llama", "recurrent_gemma", "deepseek_v3"])
def test_they_give_the_same_integers_on_random_points(kind, tmp_path):
    assert assert_same(hf(kind), 100, tmp_path) > 100


PAGES = ("deepseek_ocr", "deepseek_ocr2", "unlimited_ocr", "vl/got_ocr2", "vl/qwen2_5_vl")

MANY = {"llama", "gpt_oss", "qwen3_next", "mamba2", "deepseek_v3"}
"""Types on more points, one of each kind of attention."""


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_page_models_give_the_same_integers_on_random_points(name, tmp_path):
    assert_same(analytic_plan(name, stages=["vision", "prefill", "decode"]), 1000, tmp_path)


SEVENTY = [kind for kind in FAMILIES if kind in MANY | {*one_per_family()}]
SEVENTY += [kind for kind in FAMILIES if kind not in SEVENTY][: 66 - len(SEVENTY)]
"""Types of all families, as many as with the page models make 71 models."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", SEVENTY)
def test_every_type_gives_the_same_integers_on_random_points(kind, tmp_path):
    assert_same(hf(kind), 10_000 if kind in MANY else 1000, tmp_path)


COSTS = {
    "vector_flops": "vector_flops",
    "weight_bytes_read": "weight_bytes_read",
    "kv_cache_bytes_read": "kv_cache_bytes_read",
    "activation_bytes_written": "activation_bytes_written",
    "kv_cache_bytes": "kv_cache_bytes",
    "weight_bytes": "weight_bytes",
    "peak_activation_bytes": "peak_activation_bytes",
    "largest_tensor_bytes": "largest_tensor_bytes",
}


def test_they_give_what_a_run_reports():
    laws = exported(analytic_plan("hf/llama"))
    module = module_of(laws)
    for batch, context, steps in ((1, 1, 1), (3, 700, 5), (2, 4095, 1)):
        settings = (
            f"workload.batch_size={batch}",
            f"workload.context_tokens={context}",
            f"workload.decode_steps={steps}",
        )
        report = run(analytic_plan("hf/llama", *settings), _catalog())
        sizes = {"B": batch, "S": context, "K": steps}
        for series in report.series:
            stage = laws.stage(series.stage)
            point = [sizes[name] for name in stage.symbols]
            suffix = "" if series.attention == "eager" else f"_{series.attention}"
            names = {"tensor_flops": "flops", **COSTS}
            for field, quantity in names.items():
                function = getattr(module, f"{quantity}_{stage.name}{suffix}")
                assert function(*point) == series.costs[field], (function.__name__, sizes)


def _catalog():
    from support.plans import _catalog as catalog

    return catalog()
