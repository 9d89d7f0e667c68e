"""Modes of recurrences, on a decoder that mixes them with attention."""

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from flopbench import AttentionMode, KvCacheUpdate, MatMul
from flopbench.analytic.price import price
from flopbench.blocks import (
    Decoder,
    Embeddings,
    GatedMlp,
    Layers,
    LmHead,
    Mamba2,
    NormSpec,
    PackedPass,
    ResidualNorms,
    SelfAttention,
    decode_passes,
    prefill_pass,
)
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash
from flopbench.builtin.recurrent import Chunked, Fused, Sequential
from flopbench.conventions import Conventions
from flopbench.dims import as_dim

WIDTH, CHUNK, KERNEL, HEADS, HEAD_DIM, STATE, GROUPS = 12, 8, 4, 4, 6, 5, 2
CHANNELS = HEADS * HEAD_DIM + 2 * GROUPS * STATE
CORE, CONV = "decoder/recurrence/core", "decoder/recurrence/conv"
SIZES = st.integers(1, 40)


def decoder(attention_layers=1):
    mixer = Mamba2(
        width=WIDTH,
        heads=HEADS,
        head_dim=HEAD_DIM,
        state_size=STATE,
        groups=GROUPS,
        kernel=KERNEL,
        chunk=CHUNK,
    )
    attention = SelfAttention(width=WIDTH, heads=2, kv_heads=1, head_dim=6, rope_dim=6)
    mlp = GatedMlp(width=WIDTH, inner=10)
    return Decoder(
        embeddings=Embeddings(vocabulary=30, width=WIDTH),
        groups=(Layers(2, mixer, None), Layers(attention_layers, attention, mlp)),
        around=ResidualNorms(norm=NormSpec("rms_norm"), width=WIDTH, last=1),
        head=LmHead(vocabulary=30, width=WIDTH),
    )


def priced(run, mode):
    return price(decoder().ops(run), mode, Eager(), Conventions())


def prefill(batch, context):
    return prefill_pass(batch=batch, context=context, head_rows=1)


def decode(batch, context, steps):
    return decode_passes(batch=batch, context=context, steps=steps)


def products(run, mode, component):
    lines = priced(run, mode).lines
    return sum(each.cost.tensor_flops for each in lines if each.component == component)


@given(st.integers(1, 3), SIZES)
def test_token_by_token_each_state_is_multiplied_by_each_query(batch, context):
    run = prefill(batch, context)
    states = 2 * batch * context * HEADS * HEAD_DIM * STATE
    assert products(run, Sequential(), CORE) == 2 * states
    assert products(run, Sequential(), CONV) == 2 * 2 * batch * context * CHANNELS * KERNEL


@given(st.integers(1, 3), SIZES)
def test_chunks_cost_what_a_loop_over_them_adds_up_to(batch, context):
    """Within each chunk, its state, what comes from its start; and the states between chunks."""
    q, n, p = CHUNK, STATE, HEAD_DIM
    macs = chunks = 0
    for _ in range(0, context, CHUNK):
        chunks += 1
        macs += q * n * q + q * q * p + n * q * p + q * n * p
    macs += (chunks + 1) ** 2 * p * n
    assert products(prefill(batch, context), Chunked(), CORE) == 2 * 2 * batch * HEADS * macs


@given(st.integers(1, 3), SIZES, st.integers(1, 5))
def test_eager_is_in_chunks_first_and_then_token_by_token(batch, context, steps):
    first, then = prefill(batch, context), decode(batch, context, steps)
    assert products(first, Eager(), CORE) == products(first, Chunked(), CORE)
    assert products(then, Eager(), CORE) == products(then, Sequential(), CORE)


@given(st.integers(1, 3), SIZES, st.integers(1, 5))
def test_one_kernel_does_the_same_and_moves_no_more(batch, context, steps):
    for run, apart in (
        (prefill(batch, context), Chunked()),
        (decode(batch, context, steps), Sequential()),
    ):
        fused, parts = priced(run, Fused()), priced(run, apart)
        assert products(run, Fused(), CORE) == products(run, apart, CORE)
        assert fused.cost.bytes_moved <= parts.cost.bytes_moved
        assert fused.footprint.weight_bytes == parts.footprint.weight_bytes
        assert fused.footprint.kv_cache_bytes == parts.footprint.kv_cache_bytes
        assert not fused.fallbacks


@given(st.integers(1, 3), SIZES, st.integers(1, 4))
def test_all_sizes_may_be_arrays_or_symbols(batch, context, steps):
    b, s, k = (sympy.Symbol(n, positive=True, integer=True) for n in "BSK")
    at = {b: batch, s: context, k: steps}
    array = as_dim(np.array([context, context + CHUNK]))
    for mode in (Eager(), Sequential(), Chunked(), Fused()):
        for run, symbolic, many in (
            (prefill(batch, context), prefill(b, s), prefill(batch, array)),
            (decode(batch, context, steps), decode(b, s, k), decode(batch, array, steps)),
        ):
            number = priced(run, mode).cost
            form = sympy.sympify(priced(symbolic, mode).cost.tensor_flops)
            assert form.subs(at) == number.tensor_flops
            assert int(priced(many, mode).cost.flops[0]) == number.flops


@given(st.integers(1, 3), SIZES, SIZES)
def test_a_step_reads_a_state_that_does_not_grow(batch, context, more):
    """Bytes of cache and states that one step reads: only those of attention grow."""

    def read(tokens):
        lines = priced(decode(batch, tokens, 1), Eager()).lines
        recurrent = [each for each in lines if "recurrence" in each.component]
        assert recurrent
        own = sum(each.cost.kv_cache_bytes_read for each in recurrent)
        return own, sum(each.cost.kv_cache_bytes_read for each in lines) - own

    (first, cache), (second, larger) = read(context), read(context + more)
    # The state is float32, the inputs of the convolution are bfloat16.
    state = 4 * HEADS * HEAD_DIM * STATE + 2 * CHANNELS * KERNEL
    assert first == second == 2 * batch * state
    assert larger - cache == 2 * batch * more * 2 * 6


@given(st.lists(st.tuples(st.integers(1, 3), SIZES), min_size=1, max_size=4))
def test_sequences_of_a_packed_pass_share_all_weights(parts):
    packed = PackedPass(parts=tuple(prefill(batch, context) for batch, context in parts))
    alone = priced(prefill(1, 5), Eager()).footprint
    assert priced(packed, Eager()).footprint.weight_bytes == alone.weight_bytes


def test_what_a_mode_does_not_carry_out_runs_eagerly_and_is_listed():
    run = prefill(1, 20)
    told = {each.component: each.reason for each in priced(run, Flash()).fallbacks}
    assert told == dict.fromkeys((CONV, CORE), "it carries out no recurrences")
    told = {each.component: each.reason for each in priced(run, Chunked()).fallbacks}
    assert told == {
        CONV: "a convolution has no chunks",
        "decoder/attention/core": "it carries out no attention",
    }
    told = {each.component: each.reason for each in priced(decode(1, 20, 2), Chunked()).fallbacks}
    assert told[CORE] == "one token is no chunk"


class Linear(AttentionMode):
    """Keeps a state of its own in the place of the KV cache."""

    name = "linear"

    def state(self, op):
        held = op.batch * op.kv_heads * op.head_dim * op.value_dim
        reads = held if op.resumed else 0
        place = {"component": op.component, "layers": op.layers, "steps": op.steps}
        yield KvCacheUpdate(**place, new=held, held=held, cache_reads=reads)

    def lower(self, op):
        yield MatMul(component=op.component, batch=1, m=1, k=1, n=1)


@given(st.integers(1, 3), SIZES, st.integers(1, 4))
def test_a_mode_says_what_it_keeps(batch, context, steps):
    """The state of one key head of 6 x 6 elements, whatever the context is."""
    for run, reads in ((prefill(batch, context), 0), (decode(batch, context, steps), steps)):
        lines = priced(run, Linear()).lines
        (kept,) = (
            e.cost for e in lines if (e.component, e.kind) == ("decoder/attention/core", "kv_cache")
        )
        assert kept.kv_cache_bytes_read == 2 * batch * 36 * reads
        assert kept.kv_cache_bytes_written == 2 * batch * 36 * max(reads, 1)


def test_some_sequences_with_a_state_and_some_without_are_refused():
    run = prefill_pass(batch=1, context=as_dim(np.array([3, 4])), head_rows=1)
    mixed = decode_passes(batch=1, context=as_dim(np.array([0, 4])), steps=1)
    assert not run.resumed
    with pytest.raises(ValueError, match="some have earlier tokens"):
        _ = mixed.resumed
