"""Traces that run equal layers once, against those that run every layer, of all model types."""

import pytest

from flopbench.errors import CountError
from flopbench.laws.law import Subject
from flopbench.laws.opened import opened
from flopbench.laws.vendor_law import vendor_law
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.family_strategies import TYPES
from plugins.transformers_lm.lm_helpers import COUNTER
from plugins.transformers_lm.tiny_configs import few, one_per_layers, tiny

STAGES = ("prefill", "decode")


def subject_of(model_type, stage, **options):
    config = tiny(model_type, times=2)
    return Subject(
        vendor=HfVendor(config),
        counter=COUNTER,
        model=HfModel(config),
        stage=stage,
        workload=Workload(batch_size=2, context_tokens=9, decode_steps=3),
        open_sizes=HfModel.sizes,
        **options,
    )


def traces_of(model_type, stage):
    """Trace a stage both ways; with the batch open alone if no other size can be."""
    seen = opened(subject_of(model_type, stage))
    once = COUNTER.with_equal_layers_once()
    examples = {
        seen.symbols[n]: v for n, v in {"k": 2, "B": 3, "S": 11}.items() if n in seen.symbols
    }
    batch = {symbol: value for symbol, value in examples.items() if symbol.name == "B"}
    for symbols in (examples, batch):
        try:
            found = [each.trace(seen.prepare, symbols) for each in (once, COUNTER)]
        except CountError:
            continue
        return found
    return pytest.fail("no size can be left open")


@pytest.mark.parametrize("model_type", few(TYPES, one_per_layers()))
def test_equal_layers_once_say_what_every_layer_does(model_type):
    stood_for = {}
    for stage in STAGES:
        once, every = traces_of(model_type, stage)
        assert once.flops == every.flops
        assert {*once.guards} == {*every.guards}
        assert {*once.uncounted} == {*every.uncounted}
        assert not every.stood_for
        stood_for |= once.stood_for
    assert stood_for or model_type in ()
