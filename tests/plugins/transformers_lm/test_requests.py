"""Steps over requests of different lengths: the real model, real caches, and other stages."""

from functools import cache

import attrs
import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from flopbench.analytic.price import Pricer
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash
from flopbench.conventions import Conventions
from flopbench.errors import CountError
from flopbench.testing.costs import lines_of, require_equal
from flopbench.vendor.counting import count_stage
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.config import LmOptions, read_config
from flopbench_transformers_lm.families import FAMILIES
from flopbench_transformers_lm.requests import RequestInputs, Requests, by_length
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_lm.vendor_model import RealModel
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.lm_helpers import COUNTER
from plugins.transformers_lm.tiny_configs import runnable, tiny
from support.stages import reconcile

KINDS = (
    *("llama", "mistral", "gemma3_text", "qwen3_moe", "deepseek_v3", "gpt_oss", "gpt2"),
    *("bloom", "mpt"),
)
"""Grouped heads, windows in all layers and in some, experts, latents, sinks, a table, ALiBi."""

BYTES = 2
"""Of a bfloat16, the dtype of all these configs."""

requests = st.builds(
    RequestInputs,
    new=st.integers(1, 9),
    cached=st.integers(0, 12),  # below, at and beyond the window of 5
    lm_head=st.sampled_from(["last", "all"]),
    count=st.integers(1, 3),
)
mixes = st.lists(requests, min_size=1, max_size=4)


def step(*given):
    return Workload(requests=by_length(given))


def request(new, cached=0, **others):
    return RequestInputs(new=new, cached=cached, **others)


def priced(config, stage, workload, mode=None):
    pricer = Pricer(Eager(), Conventions(), "bfloat16")
    return pricer.stage(HfModel(config), stage, workload, mode or Eager())


def vendor_of(config):
    return HfVendor.from_options(config, HfVendor.options_type())


@cache
def both(kind):
    """Return the closed forms and the real model of a type."""
    config = runnable(kind)
    return HfModel(config), vendor_of(config)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=8)
@given(mix=mixes)
def test_random_mixes_are_what_the_real_model_runs(kind, mix):
    found = reconcile(*both(kind), "step", step(*mix))
    assert found.verdict == "exact", found
    assert found.vendor_flops > 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in FAMILIES if kind not in KINDS])
@settings(max_examples=3)
@given(mix=mixes)
def test_so_are_those_of_all_other_types(kind, mix):
    assert reconcile(*both(kind), "step", step(*mix)).verdict == "exact"


def test_what_transformers_cannot_run_on_a_cache_is_told_by_its_tokens():
    """MiniMax asks its first layer, which keeps no keys, how many tokens are cached."""
    with pytest.raises(CountError, match="5 new and 7 cached tokens of a request: RuntimeError"):
        count_stage(COUNTER, vendor_of(tiny("minimax")).stage("step", step(request(5, 7))))
    found = reconcile(
        HfModel(tiny("minimax")), vendor_of(tiny("minimax")), "step", step(request(1, 7))
    )
    assert found.verdict == "exact"


def of_real_cache(config, one):
    """Call one request; return the elements that the cache gives back, gets and then holds."""
    real = RealModel(config)
    read, written = [], []
    left = real.left_by_prefill(1, one.cached) if one.cached else real.run_prefill(1, 1)
    cache = left["past_key_values"]
    if not one.cached:
        cache.reset()
    update = cache.update

    def watched(keys, values, *args, **kwargs):
        found = update(keys, values, *args, **kwargs)
        written.append(keys.numel() + values.numel())
        read.append(sum(tensor.numel() for tensor in found))
        return found

    cache.update = watched
    with torch.no_grad():
        inputs = real._inputs(1, one.new, one.cached, all_logits=False)
        real.module(**inputs, past_key_values=cache)
    held = sum(layer.keys.numel() + layer.values.numel() for layer in cache.layers)
    return sum(read), sum(written), held


@pytest.mark.parametrize("kind", ["llama", "mistral", "gemma3_text", "deepseek_v3", "gpt_oss"])
def test_bytes_of_the_cache_are_those_of_the_real_caches(kind):
    """Read, written and held; one chunk is longer than the window of 5."""
    config = tiny(kind)
    mix = [request(7, 3), request(1, 11), request(3), request(2, 4, count=2)]
    real = [of_real_cache(config, one) for one in mix for _ in range(one.count)]
    read, written, held = (BYTES * sum(each) for each in zip(*real, strict=True))
    found = priced(config, "step", step(*mix))
    assert found.cost.kv_cache_bytes_read == read > 0
    assert found.cost.kv_cache_bytes_written == written > 0
    assert found.footprint.kv_cache_bytes == held > 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", [Eager(), Flash()])
def test_one_request_without_a_cache_is_a_prefill(kind, mode):
    """In all costs, and in all that is alive."""
    config = tiny(kind)
    one = priced(config, "step", step(request(9)), mode)
    whole = Workload(batch_size=1, context_tokens=9, lm_head="last")
    prefill = priced(config, "prefill", whole, mode)
    require_equal(lines_of(one), lines_of(prefill), kind)
    assert _same(one, prefill)


def _same(one, other):
    a, b = one.footprint, other.footprint
    return (a.weight_bytes, a.kv_cache_bytes, a.alive_bytes) == (
        b.weight_bytes,
        b.kv_cache_bytes,
        b.alive_bytes,
    )


POSITIONS = ("decoder/rope", "decoder/embed")
"""What the sequences of a batch share, and those of a packed step do not."""


@pytest.mark.parametrize("kind", KINDS)
def test_equal_requests_of_one_token_are_a_decode_step(kind):
    config = tiny(kind)
    packed = priced(config, "step", step(request(1, 8, count=3)))
    batch = Workload(batch_size=3, context_tokens=8, decode_steps=1)
    decode = priced(config, "decode", batch)

    def kept(cost):
        """Return the costs, but for positions; a rotation reads the angles of each."""
        found = {k: c for k, c in lines_of(cost).items() if k[0] not in POSITIONS}
        return {
            k: attrs.evolve(c, activation_bytes_read=0) if k[1] == "rope" else c
            for k, c in found.items()
        }

    require_equal(kept(packed), kept(decode), kind)
    assert packed.footprint.kv_cache_bytes == decode.footprint.kv_cache_bytes
    assert packed.footprint.weight_bytes == decode.footprint.weight_bytes


@pytest.mark.parametrize("kind", ["llama", "deepseek_v3"])
def test_equal_requests_are_the_same_written_once_or_apart(kind):
    apart = step(request(4, 5), request(1, 7), request(4, 5))
    once = step(request(4, 5, count=2), request(1, 7))
    assert vendor_of(tiny(kind)).shapes("step", apart) == vendor_of(tiny(kind)).shapes("step", once)
    found = [priced(tiny(kind), "step", each) for each in (apart, once)]
    require_equal(lines_of(found[0]), lines_of(found[1]), kind)
    assert _same(*found)


def test_equal_requests_are_called_once_and_the_report_says_so():
    calls = count_stage(
        COUNTER, vendor_of(tiny("llama")).stage("step", step(request(1, 7, count=9)))
    )
    one = count_stage(COUNTER, vendor_of(tiny("llama")).stage("step", step(request(1, 7))))
    assert calls.count.flops == 9 * one.count.flops > 0
    assert "8 calls equal to one that was counted: its count was multiplied" in calls.assumptions
    assert not any("multiplied" in text for text in one.assumptions)


def test_llamas_mixed_step_is_what_a_hand_counts():
    """Two layers of 32, 4 heads and 2 KV heads of 8, MLP of 22, 37 words; 6 new tokens."""
    mix = step(request(4, 5, lm_head="all"), request(1, 7, count=2))
    found = reconcile(HfModel(tiny("llama")), vendor_of(tiny("llama")), "step", mix)
    flops = {c.component: c.vendor_flops for c in found.components}
    assert flops["decoder/attention/qkv"] == 2 * 2 * 6 * 32 * (4 + 2 + 2) * 8
    assert flops["decoder/attention/core"] == 2 * 2 * 2 * 4 * 8 * (4 * 9 + 2 * 1 * 8)
    assert flops["decoder/mlp"] == 2 * 3 * 2 * 6 * 32 * 22
    assert flops["lm_head"] == 2 * (4 + 2) * 32 * 37


def test_a_model_without_a_cache_takes_no_cached_tokens():
    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 2}
    config = read_config("openai-gpt", LmOptions(overrides=sizes))
    with pytest.raises(CountError, match="keeps no cache for openai-gpt: its requests must have 0"):
        vendor_of(config).stage("step", step(request(2, 5))).prepare(1)
    vendor_of(config).stage("step", step(request(2))).prepare(1).run()


def test_sizes_may_be_symbols():
    n = sympy.Symbol("n", integer=True, positive=True)
    workload = Workload(requests=(Requests(new=n, cached=2 * n), Requests(new=1, cached=9)))
    form = priced(tiny("llama"), "step", workload).cost.flops
    number = priced(tiny("llama"), "step", step(request(4, 8), request(1, 9))).cost.flops
    assert form.subs(n, 4) == number
