"""Pricing many points at once: in blocks, and each as if it were alone."""

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flopbench.analytic import price_many
from flopbench.analytic.price import Pricer, price, total_price
from flopbench.analytic.price_many import Evaluator
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash, FlashTorch
from flopbench.conventions import Conventions
from flopbench.ops import Cost
from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.workload import Workload

MODES = (Eager(), Flash(), FlashTorch())
MODEL = DeepseekOcr()


def evaluator(model=MODEL, stages=None):
    pricer = Pricer(Eager(), Conventions())
    return Evaluator(model=model, modes=MODES, pricer=pricer, stages=stages)


POINTS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(1, 60), st.integers(1, 9)),
    min_size=1,
    max_size=5,
)


def alone(stage, workload, mode):
    """Price one point, each stage and mode from operations of its own."""
    parts = {
        name: price(MODEL.ops(name, workload), mode, Eager(), Conventions())
        for name in stage.base_names
    }
    return total_price(stage, parts)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(POINTS, st.integers(1, 4))
def test_points_in_blocks_cost_what_each_costs_alone(points, block):
    rows, cols, prompts, steps = (np.array(column) for column in zip(*points, strict=True))
    many = Workload(tile_rows=rows, tile_cols=cols, prompt_tokens=prompts, decode_steps=steps)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(price_many, "BLOCK", block)
        found = evaluator().price_arrays(many)
    assert set(found) == {(mode.name, stage.name) for mode in MODES for stage in MODEL.stages}
    for index, (r, c, p, k) in enumerate(points):
        one = Workload(tile_rows=r, tile_cols=c, prompt_tokens=p, decode_steps=k)
        for stage in MODEL.stages:
            for mode in MODES:
                priced = alone(stage, one, mode)
                columns = found[mode.name, stage.name]
                costs = {
                    name: column[index] if np.ndim(column) else column
                    for name, column in columns.costs.items()
                }
                for field in attrs.fields(Cost):
                    expected = getattr(priced.cost, field.name)
                    if "expected" in field.name:
                        expected = pytest.approx(expected, rel=1e-12)
                    assert costs[field.name] == expected, field.name
                assert costs["torch_visible_flops"] == priced.torch_visible_flops
                footprint = priced.footprint
                assert costs["peak_activation_bytes"] == footprint.peak_activation_bytes
                assert costs["kv_cache_bytes"] == footprint.kv_cache_bytes
                shares = [c[index] if np.ndim(c) else c for c in columns.parts.values()]
                assert sum(shares) == costs["flops"] == priced.cost.flops


def test_only_the_stages_asked_for_are_priced():
    class Refusing(DeepseekOcr):
        def ops(self, stage, workload):
            assert stage != "decode"
            return super().ops(stage, workload)

    workloads = [Workload(tile_rows=1, tile_cols=n) for n in (2, 3)]
    found = evaluator(Refusing(), ["vision_prefill"]).points(workloads)
    assert [set(point) for point in found] == [{(m.name, "vision_prefill") for m in MODES}] * 2
    whole = evaluator().points(workloads)
    assert all(point[key] == whole[i][key] for i, point in enumerate(found) for key in point)
