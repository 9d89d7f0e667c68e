"""Drafts of multi-token prediction layers, against transformers' own on the meta device."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flopbench
from flopbench.dims import DTYPE_BYTES
from flopbench.errors import UsageError
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.components import component_of
from flopbench_transformers_lm.config import LmOptions, read_config
from flopbench_transformers_lm.requests import RequestInputs, by_length
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_lm.vendor_model import RealModel
from flopbench_transformers_lm.vendor_prediction import RealPrediction
from flopbench_transformers_lm.workload import Inputs, Workload
from plugins.transformers_lm.tiny_configs import tiny
from support.stages import price_stage, reconcile

KINDS = ("deepseek_v3", "glm4_moe")


def config_of(kind, layers):
    values = {name: v for name, v in tiny(kind).values.items() if name != "model_type"}
    known = read_config(kind, LmOptions()).values
    changed = {n: v for n, v in values.items() if n in known and known[n] != v}
    changed.pop("num_mtp_layers", None)
    return read_config(kind, LmOptions(overrides={**changed, "num_nextn_predict_layers": layers}))


requests = st.builds(
    RequestInputs,
    new=st.integers(1, 6),
    cached=st.integers(0, 9),
    count=st.integers(1, 3),
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layers", [1, 2])
@settings(max_examples=6)
@given(mix=st.lists(requests, min_size=1, max_size=3))
def test_drafts_are_what_transformers_own_layers_run(kind, layers, mix):
    config = config_of(kind, layers)
    workload = Workload(requests=by_length(mix), draft=True)
    vendor = HfVendor.from_options(config, HfVendor.options_type())
    found = reconcile(HfModel(config), vendor, "draft", workload)
    assert found.verdict == "exact", found
    assert {"mtp/projection", "mtp/attention/core", "lm_head"} <= {
        c.component for c in found.components if c.vendor_flops
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layers", [1, 2])
def test_weights_are_as_many_as_the_layers_parameters(kind, layers):
    config = config_of(kind, layers)
    real = RealPrediction(RealModel(config)).module
    parameters = {}
    for name, parameter in real.named_parameters():
        component = component_of(name.rpartition(".")[0])
        parameters[component] = parameters.get(component, 0) + parameter.numel()
    priced = price_stage(
        HfModel(config), "draft", Workload(requests=by_length([RequestInputs(new=2)]))
    )
    held = priced.footprint.weight_bytes
    width = DTYPE_BYTES["bfloat16"]
    names = {"mtp/projection", "mtp/norm", "mtp/moe/experts", "decoder/embed", "lm_head"}
    assert {n: held[n] for n in names} == {n: width * parameters[n] for n in names}


def test_a_model_without_such_layers_drafts_nothing():
    inputs = Inputs(requests=(RequestInputs(new=2),), draft=True)
    with pytest.raises(UsageError, match="drafts nothing: its config has no multi-token"):
        HfModel(tiny("llama")).workload(inputs)


def test_a_draft_needs_requests():
    with pytest.raises(UsageError, match="draft=true needs requests"):
        flopbench.run("hf/deepseek_v3", workload={"draft": True}, analytic_only=True)


def test_a_draft_follows_its_step():
    workload = {"requests": [{"new": 3, "cached": 9, "lm_head": "all"}], "draft": True}
    report = flopbench.run("hf/deepseek_v3", workload=workload, analytic_only=True)
    assert [stage.name for stage in report.stages] == ["step", "draft"]
    assert any("were all accepted" in note for note in report.notes)
    assert report.workload["draft"] is True
