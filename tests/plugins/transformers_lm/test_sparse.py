"""Sparse attention, and layers that differ: closed forms against transformers' own models."""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from flopbench.vendor.counting import count_stage
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.config import LmOptions, read_config
from flopbench_transformers_lm.families import FAMILIES
from flopbench_transformers_lm.families.fields import NotCoveredError
from flopbench_transformers_lm.families.sparse import SPARSE
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_lm.vendor_model import RealModel
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.lm_helpers import COUNTER, SMALL
from plugins.transformers_lm.sparse_configs import PUBLISHED, VARIANTS, configs
from plugins.transformers_lm.test_moe import assert_exact, held, really_held
from plugins.transformers_lm.tiny_configs import tiny

FEW = {"deepseek_v32", "llama4_text"}
"""Types that are tested always; the others in `make test-all`."""

workloads = st.builds(
    Workload,
    batch_size=st.integers(1, 3),
    context_tokens=st.integers(1, 13),
    decode_steps=st.integers(1, 7),
    lm_head=st.sampled_from(["all", "last"]),
)


def types(names):
    return [k if k in FEW else pytest.param(k, marks=pytest.mark.slow) for k in sorted(names)]


def index_of(config, batch, tokens):
    """Return the elements of the indexers' keys in the real cache."""
    layers = RealModel(config).run_prefill(batch, tokens)["past_key_values"].layers
    keys = [getattr(layer, "indexer_keys", None) for layer in layers]
    return sum(each.numel() for each in keys if each is not None)


def test_every_type_here_has_its_variants_and_a_published_config():
    assert VARIANTS.keys() == PUBLISHED.keys() == SPARSE.keys()


@pytest.mark.parametrize("kind", types(VARIANTS))
@settings(max_examples=4, phases=[Phase.generate])
@given(st.data())
def test_small_configs_are_exact_and_hold_what_the_model_holds(kind, data):
    config, workload = data.draw(configs(kind)), data.draw(workloads)
    assert_exact(config, workload)
    sizes = workload.batch_size, workload.context_tokens
    weights, cache = really_held(config, *sizes)
    assert held(config, *sizes) == (weights, cache + index_of(config, *sizes))


def test_of_more_than_ten_layers_each_has_the_heads_of_its_own():
    layers = [*["sliding_attention"] * 5, "full_attention"] * 2
    small = {**SMALL["llama"], "num_hidden_layers": 12, "layer_types": layers}
    small |= {"sliding_window": 5, "num_kv_shared_layers": 0, "global_head_dim": 12}
    config = read_config("gemma4_text", LmOptions(overrides=small))
    assert config.get("per_layer_config").keys() == {"05", "11"}
    assert_exact(config, Workload(batch_size=2, context_tokens=9, decode_steps=2))


@pytest.mark.parametrize("kind", types(PUBLISHED))
def test_layers_of_a_published_config_are_exact(kind):
    overrides, context = PUBLISHED[kind]
    workload = Workload(context_tokens=context, decode_steps=2)
    assert_exact(read_config(kind, LmOptions(overrides=overrides)), workload)


def test_the_indexer_of_deepseek_v32_scores_every_key_by_every_head():
    """Two products per pair: 2 H D for the scores, 2 H for their sum, of B S T pairs."""
    config, batch, context = tiny("deepseek_v32"), 3, 9
    workload = Workload(batch_size=batch, context_tokens=context, decode_steps=1)
    heads, width, layers = (
        config.get(f) for f in ("index_n_heads", "index_head_dim", "num_hidden_layers")
    )
    rank, inner = config.get("q_lora_rank"), config.get("hidden_size")
    for stage, queries, keys in (("prefill", context, context), ("decode", 1, context + 1)):
        counted = count_stage(COUNTER, HfVendor(config).stage(stage, workload)).count.counted
        found = sum(e.flops for e in counted if ".indexer" in e.module)
        projections = rank * heads * width + inner * width + inner * heads
        pair = heads * width + heads
        assert found == 2 * layers * batch * queries * (projections + keys * pair)


def test_all_experts_of_llama4_run_on_every_token():
    config, tokens = tiny("llama4_text"), 9
    vendor = HfVendor(config)
    counted = count_stage(
        COUNTER, vendor.stage("prefill", Workload(batch_size=1, context_tokens=tokens))
    ).count.counted
    found = sum(e.flops for e in counted if e.module.endswith("feed_forward.experts"))
    experts, width, inner = (
        config.get(f) for f in ("num_local_experts", "hidden_size", "intermediate_size")
    )
    assert found == 2 * tokens * experts * 3 * width * inner


REFUSED = [
    ("llama4_text", {"attention_chunk_size": 1}, "attention_chunk_size=1"),
    ("llama4_text", {"no_rope_layers": [1]}, "lists of 2 values"),
    ("llama4_text", {"layer_types": ["sliding_attention"] * 2}, "chunked_attention"),
    ("llama4_text", {"num_experts_per_tok": 6}, "whole numbers from 1 to 5"),
    ("mimo_v2_flash", {"num_key_value_heads": 4}, "divisors of half the 4 heads"),
    ("deepseek_v32", {"layer_types": ["full_attention"] * 2}, "indexed_attention"),
    ("deepseek_v32", {"q_lora_rank": None}, "q_lora_rank=None"),
    ("deepseek_v32", {"index_head_dim": 3}, "index_head_dim=3"),
    ("glm_moe_dsa", {"indexer_types": ["shared", "full"]}, "begin with full"),
]


@pytest.mark.parametrize(("kind", "change", "problem"), REFUSED)
def test_what_is_not_covered_is_said_in_one_sentence(kind, change, problem):
    config = tiny(kind)
    changed = type(config)(kind, {**config.values, **change})
    with pytest.raises(NotCoveredError, match=f"^the closed forms of '{kind}' do not") as told:
        FAMILIES[kind](changed)
    assert problem in str(told.value)
    assert HfModel(changed).no_closed_forms == str(told.value)
