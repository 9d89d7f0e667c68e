"""Both witnesses agree to the last FLOP, on random small configs and pages, for every type."""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from flopbench_transformers_vlm.families import FAMILIES
from plugins.transformers_lm.tiny_configs import few
from plugins.transformers_vlm.tiny_models import TINY
from plugins.transformers_vlm.vl_helpers import (
    assert_exact,
    drawn,
    model_of,
    priced_weights,
    real_weights,
    whole_flops,
    workload_of,
)
from support.stages import price_stage

QUICK = (Phase.explicit, Phase.generate)
"""A failure is small as it is: looking for a smaller one takes minutes."""

KINDS = few(TINY, {family.__module__: kind for kind, family in FAMILIES.items()}.values())
"""All types; one of each module of families is fast."""


def small(data, kind):
    tiny = TINY[kind]
    return model_of(kind, drawn(data, tiny.fields), drawn(data, tiny.settings), tiny.file)


def pages(data, kind, most=3):
    most = min(most, TINY[kind].images)
    side = st.integers(TINY[kind].least, TINY[kind].most)
    size = st.tuples(side, side).filter(lambda s: max(s) <= 100 * min(s))
    return data.draw(st.lists(size, min_size=1, max_size=most))


def test_every_type_has_a_small_config():
    assert set(TINY) == set(FAMILIES)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10, phases=QUICK)
@given(data=st.data())
def test_a_small_model_is_exact_in_every_component(kind, data):
    model = small(data, kind)
    prompt, batch = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 2))
    sizes = {"prompt_tokens": prompt, "batch_size": batch, "decode_steps": 2}
    workload = workload_of(model, *pages(data, kind), **sizes)
    assert_exact(model, workload)
    assert priced_weights(model, workload) == real_weights(model)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=3, phases=QUICK)
@given(data=st.data())
def test_the_parts_make_the_whole_model(kind, data):
    model = small(data, kind)
    workload = workload_of(model, *pages(data, kind, most=1), prompt_tokens=3)
    parts = (price_stage(model, stage, workload) for stage in ("vision", "prefill"))
    assert sum(part.torch_visible_flops for part in parts) == whole_flops(model, workload)
