"""Exported Python, JavaScript, C++ and JSON give the integers of flopbench's own evaluation."""

import json
from collections import Counter

import attrs
import numpy as np
import pytest

from flopbench.builtin.torch_counter import TorchCounter
from flopbench.commands.export.runner import export
from flopbench.commands.prove.runner import prove
from flopbench.commands.run.runner import run
from flopbench.exports.evaluate import evaluate
from flopbench.exports.targets import files
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.families import FAMILIES
from flopbench_transformers_lm.vendor import HfVendor
from plugins.transformers_lm.tiny_configs import one_per_family, tiny
from support.exported import (
    CATALOG,
    GXX,
    NODE,
    by_cpp,
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


FEW = 100
"""Points of each component: its functions are made as those of whole stages are."""


def assert_same(plan, count, folder, *, laws=None, cpp=True):
    """Compare all languages with prices in arrays, on random points of each stage.

    Returns the quantities that were compared, each with how many values of it were.
    """
    laws = exported(plan) if laws is None else laws
    module, data = module_of(laws), json.loads(laws.to_json())
    stages = {stage.name: stage for stage in plan.stages}
    points, wanted = {}, {}
    for stage, as_json in zip(laws.stages, data["stages"], strict=True):
        sizes = random_points(laws, stage, count)
        there = len(next(iter(sizes.values()))) if sizes else 1
        priced = prices(plan, stages[stage.name], sizes)
        for law, plain in zip(stage.laws, as_json["laws"], strict=True):
            value = priced[law.quantity, law.attention, law.component]
            want = list(np.broadcast_to(np.asarray(value, dtype=object), there))
            assert list(evaluated(plain["tree"], sizes, there)) == want, law.identifier
            few = None if law.component is None else FEW
            points[law.identifier] = {name: values[:few] for name, values in sizes.items()}
            wanted[law.identifier] = want[:few]
    found = [{law.identifier: by_python(module, law, points[law.identifier]) for law in each(laws)}]
    found += [by_node(laws, points, folder)] if NODE else []
    found += [by_cpp(laws, points, folder)] if GXX and cpp else []
    for language in found:
        assert language.keys() == wanted.keys()
        for name, values in language.items():
            assert values == wanted[name], name
    compared = Counter()
    for law in each(laws):
        compared[law.quantity] += len(wanted[law.identifier])
    return compared


def each(laws):
    return (law for stage in laws.stages for law in stage.laws)


@pytest.mark.parametrize("kind", ["llama", "recurrent_gemma", "deepseek_v3"])
def test_they_give_the_same_integers_on_random_points(kind, tmp_path):
    compared = assert_same(hf(kind), 100, tmp_path)
    assert min(compared.values()) > 100
    assert ("bytes_moved" in compared) == (kind != "deepseek_v3")  # routed experts read a fraction


@pytest.mark.parametrize("language", ["python", "javascript", "cpp"])
@pytest.mark.parametrize("component", [None, "decoder/mlp"])
def test_a_wrong_integer_in_one_language_is_found(language, component, tmp_path, monkeypatch):
    if {"javascript": NODE, "cpp": GXX}.get(language, True) is None:
        pytest.skip(f"nothing here runs {language}")
    plan = analytic_plan("hf/llama", stages=["prefill"])
    laws = exported(plan)
    (stage,) = laws.stages
    right = stage.find("flops" if component else "bytes_moved", "flash", component)
    wrong = attrs.evolve(right, tree=["+", right.tree, "1"])
    changed = tuple(wrong if law is right else law for law in stage.laws)
    bad = attrs.evolve(laws, stages=(attrs.evolve(stage, laws=changed),))
    monkeypatch.setattr(
        "support.exported.files",
        lambda target, given: files(target, [bad] if target == language else given),
    )
    with pytest.raises(AssertionError, match=right.identifier):
        assert_same(plan, 3, tmp_path, laws=laws, cpp=language == "cpp")


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
    assert_same(hf(kind), 10_000 if kind in MANY else 1000, tmp_path, cpp=kind in MANY)


PROVED = (
    *("codegen", "cwm", "deepseek_v3", "ernie4_5_moe", "gemma3_text", "gpt_oss", "lfm2", "mamba2"),
)
"""Types that are proved within seconds, with layers of a kind of their own each."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", PROVED)
def test_proved_laws_give_the_same_integers_on_random_points(kind, tmp_path):
    closed = hf(kind)
    vendor = HfVendor.from_options(closed.model.architecture, HfVendor.options_type())
    plan = attrs.evolve(closed, vendor=vendor, counters=(TorchCounter(),))
    laws = export(plan, CATALOG, lambda plan: prove(plan, CATALOG))
    assert {stage.name: stage.verdict for stage in laws.stages} == {
        "prefill": "proved",
        "decode": "proved",
    }
    assert [law.tree for law in each(laws)] == [law.tree for law in each(exported(closed))]
    assert_same(plan, 1000, tmp_path, laws=laws, cpp=False)


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


@pytest.mark.parametrize("name", ["deepseek_ocr", "unlimited_ocr"])
def test_a_page_of_several_rows_of_tiles_gives_what_a_run_reports(name):
    plan = analytic_plan(name, "workload.crop_grid={rows: 3, cols: 2}", stages=["vision"])
    (stage,) = exported(plan).stages
    sizes = {"B": 1, "n": 6}
    for series in run(plan, _catalog()).series:
        moved = stage.find("bytes_moved", series.attention)
        assert evaluate(moved.tree, sizes) == series.costs["expected_bytes_moved"]
        for field in ("activation_bytes_read", "vector_flops", "peak_activation_bytes"):
            law = stage.find(field, series.attention)
            assert evaluate(law.tree, sizes) == series.costs[field], field


def _catalog():
    from support.plans import _catalog as catalog

    return catalog()
