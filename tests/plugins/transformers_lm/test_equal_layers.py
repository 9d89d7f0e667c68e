"""Traces that run equal layers once, against those that run every layer, of all model types."""

import pytest
import sympy

from flopbench.errors import CountError
from flopbench.laws.guards import reduced
from flopbench.laws.law import Subject
from flopbench.laws.opened import opened
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.families import FAMILIES
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.lm_helpers import COUNTER
from plugins.transformers_lm.tiny_configs import few, one_per_layers, tiny


def subject_of(model_type, stage, **options):
    config = tiny(model_type, times=1 if model_type == "gemma4_text" else 2)
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
    """Trace a stage both ways, with as many sizes open as can be; none if none can be."""
    seen = opened(subject_of(model_type, stage))
    once = COUNTER.with_equal_layers_once()
    open_sizes = {
        seen.symbols[name]: value for name, value in EXAMPLES.items() if name in seen.symbols
    }
    batch = {symbol: value for symbol, value in open_sizes.items() if symbol.name == "B"}
    for symbols in (open_sizes, batch):
        found = [_traced(each, seen, symbols) for each in (once, COUNTER)]
        if any(found):
            return found
    return None


EXAMPLES = {"k": 2, "B": 3, "S": 11}


def _traced(counter, seen, symbols):
    try:
        return counter.trace(seen.prepare, symbols)
    except CountError:
        return None


def assumed(trace):
    """Return what a trace assumes, without what follows from a number of chunks that it fixes.

    Torch's cache of results, which one of the two does without, asks for more that follows.
    """
    guards = reduced(trace.guards)
    chunks = {
        g.lhs: g.rhs for g in guards if isinstance(g, sympy.Eq) and g.lhs.func == sympy.ceiling
    }
    return {*chunks.items(), *(guard.subs(chunks) for guard in guards)}


def check(model_type, stage):
    found = traces_of(model_type, stage)
    if found is None:
        assert model_type in UNTRACED
        return
    once, every = found
    assert once.flops == every.flops
    assert assumed(once) == assumed(every)
    assert {*once.uncounted} == {*every.uncounted}
    assert not every.stood_for
    if model_type in one_per_layers():
        assert bool(once.stood_for) == (model_type not in ALL_DIFFER)


UNTRACED = {"recurrent_gemma"}
"""Types whose program needs numbers."""

ALL_DIFFER = {"gemma3n_text", "gemma4_text", "zamba", "zamba2"}
"""Types whose few layers all differ, or are told their index when they are called."""


FAST = ("llama", "gemma3_text", "deepseek_v3", "gpt_oss", "mamba2", "qwen3_moe")
"""Whole layers, windows, dense before experts, sinks, states, and experts alone."""


@pytest.mark.parametrize("model_type", few(FAMILIES, FAST))
def test_a_step_of_equal_layers_once_is_one_of_every_layer(model_type):
    check(model_type, "decode")


@pytest.mark.slow
@pytest.mark.parametrize("model_type", one_per_layers())
def test_a_prefill_of_equal_layers_once_is_one_of_every_layer(model_type):
    check(model_type, "prefill")
