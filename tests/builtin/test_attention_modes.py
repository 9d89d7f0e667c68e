"""Attention modes against brute force: lists of query-key pairs, counted one by one."""

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash, Flash3, FlashTorch
from flopbench.conventions import Conventions
from flopbench.ops import Attention

small = st.integers(1, 5)


@st.composite
def attentions(draw, *, any_value_dim=False):
    head_dim = draw(small)
    queries = draw(st.integers(1, 6))
    return Attention(
        component="core",
        layers=draw(small),
        steps=draw(small),
        batch=draw(small),
        heads=draw(small),
        kv_heads=1,
        head_dim=head_dim,
        value_dim=draw(small) if any_value_dim else head_dim,
        queries=queries,
        keys=queries + draw(st.integers(0, 5)),
        causal=draw(st.booleans()),
        masked=draw(st.sampled_from(["added", "filled"])),
        scaled=draw(st.sampled_from(["scores", "queries"])),
    )


def visible_pairs(op, *, masked):
    """Walk over every step, query and key; a causal query sees the keys up to its own."""
    pairs = 0
    for step in range(op.steps):
        keys = op.keys + step * op.queries
        for query in range(op.queries):
            position = keys - op.queries + query
            pairs += sum(masked or not op.causal or key <= position for key in range(keys))
    return pairs * op.layers * op.batch * op.heads


def priced(op, mode):
    return price([op], mode, Eager(), Conventions())


def cost(op, mode):
    return priced(op, mode).cost


@given(attentions(any_value_dim=True))
def test_eager_multiplies_every_pair_whether_masked_or_not(op):
    macs = visible_pairs(op, masked=True) * (op.head_dim + op.value_dim)
    assert cost(op, Eager()).tensor_flops == 2 * macs
    assert priced(op, Eager()).torch_visible_flops == 2 * macs


@given(attentions())
def test_flash_multiplies_the_pairs_that_the_mask_leaves(op):
    macs = visible_pairs(op, masked=False) * (op.head_dim + op.value_dim)
    assert cost(op, Flash()).tensor_flops == 2 * macs
    assert priced(op, Flash()).torch_visible_flops == 0


@given(attentions())
def test_eager_vector_work_is_scale_mask_and_softmax(op):
    scores = visible_pairs(op, masked=True)
    queries = op.layers * op.steps * op.batch * op.heads * op.queries * op.head_dim
    scale = scores if op.scaled == "scores" else queries
    mask = scores if op.causal and op.masked == "added" else 0
    assert cost(op, Eager()).vector_flops == scale + mask + 5 * scores


@given(attentions())
def test_flash_vector_work_is_an_online_softmax_and_one_division_per_output(op):
    outputs = op.layers * op.steps * op.batch * op.heads * op.queries * op.value_dim
    assert cost(op, Flash()).vector_flops == 5 * visible_pairs(op, masked=False) + outputs


@given(attentions())
def test_torch_sees_nothing_of_the_fused_core(op):
    assert cost(op, FlashTorch()).flops == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"bias": "relative positions"}, "takes no attention bias (relative positions)"),
        ({"head_dim": 257}, "heads of up to 256, not 257"),
        ({"head_dim": np.array([64, 257])}, "heads of up to 256"),
        ({"value_dim": 8}, "values as wide as the heads (4), not 8"),
    ],
)
@pytest.mark.parametrize("mode", [Flash(), FlashTorch()], ids=lambda m: m.name)
def test_what_flash_cannot_carry_out_runs_eagerly_and_is_listed(mode, change, reason):
    sizes = {"batch": 2, "heads": 3, "kv_heads": 3, "head_dim": 4} | change
    sizes.setdefault("value_dim", sizes["head_dim"])
    op = Attention(component="core", queries=5, keys=7, **sizes)
    both = price([op, op], mode, Eager(), Conventions())
    (fallback,) = both.fallbacks
    assert (fallback.attention, fallback.component) == (mode.name, "core")
    assert reason in fallback.reason
    eager = priced(op, Eager()).torch_visible_flops
    assert np.all(both.torch_visible_flops == 2 * eager)


def test_a_convention_changes_the_vector_work_alone():
    sizes = {"batch": 1, "heads": 1, "kv_heads": 1, "head_dim": 8, "value_dim": 8}
    op = Attention(component="core", queries=10, keys=10, **sizes)
    changed = price([op], Eager(), Eager(), Conventions(softmax=3)).cost
    assert changed.tensor_flops == cost(op, Eager()).tensor_flops
    assert cost(op, Eager()).vector_flops - changed.vector_flops == 2 * 100


def test_grouped_heads_move_and_hold_as_worked_out_by_hand():
    """2 sequences, 4 query heads on 2 key and value heads; in elements of 2 bytes."""

    def moved(mode, **sizes):
        op = Attention(component="core", batch=2, heads=4, kv_heads=2, **sizes)
        found = price([op], mode, Eager(), Conventions())
        cost, held = found.cost, found.footprint.peak_activation_bytes
        moved = (cost.activation_bytes_read, cost.activation_bytes_written)
        return tuple(n // 2 for n in (*moved, cost.kv_cache_bytes_read, held))

    plain = {"head_dim": 8, "value_dim": 8, "queries": 5, "keys": 5}
    # 320 queries, 160 keys, 160 values, 200 scores, 320 outputs; scores are written three times.
    assert moved(Eager(), **plain) == (320 + 160 + 3 * 200 + 160, 3 * 200 + 320, 0, 840)
    assert moved(Flash(), **plain) == (320 + 160 + 160, 320, 0, 960)
    # Three steps on 10, 11 and 12 cached keys and values.
    decoding = plain | {"queries": 1, "keys": 10, "steps": 3, "cached": True}
    cached = 2 * 2 * 2 * 8 * (10 + 11 + 12)
    scores = 2 * 4 * (10 + 11 + 12)
    read, written, cache, _ = moved(Eager(), **decoding)
    assert (read, written, cache) == (3 * 64 + 3 * scores, 3 * scores + 3 * 64, cached)
    assert moved(Flash(), **decoding) == (3 * 64, 3 * 64, cached, 2 * 64)
    # With narrow heads, scores before and after an op are the most: 2 x 3,200, and 80 values.
    narrow = {"head_dim": 1, "value_dim": 1, "queries": 20, "keys": 20}
    assert moved(Eager(), **narrow)[3] == 2 * 2 * 4 * 20 * 20 + 80


@given(attentions())
def test_flash3_is_flash_where_flash_can_be_used(op):
    assert Flash3().unsupported(op) is None
    assert attrs.asdict(cost(op, Flash3())) == attrs.asdict(cost(op, Flash()))
    assert priced(op, Flash3()).footprint.alive_bytes == priced(op, Flash()).footprint.alive_bytes


@given(attentions(any_value_dim=True), st.booleans())
def test_flash3_takes_values_of_any_width_and_sinks(op, sinks):
    """Per query and head, a sink is one more score of the softmax, and of no product."""
    op = attrs.evolve(op, sinks=sinks)
    found, pairs = cost(op, Flash3()), visible_pairs(op, masked=False)
    assert found.tensor_flops == 2 * pairs * (op.head_dim + op.value_dim)
    rows = op.layers * op.steps * op.batch * op.heads * op.queries
    assert found.vector_flops == 5 * (pairs + sinks * rows) + rows * op.value_dim
    assert found.weight_bytes_read == 2 * op.layers * op.steps * op.heads * sinks
    held = priced(op, Flash3()).footprint
    assert held.total_weight_bytes == 2 * op.layers * op.heads * sinks
    assert held.total_weight_bytes == priced(op, Eager()).footprint.total_weight_bytes
    assert not priced(op, Flash3()).fallbacks


def test_flash3_takes_no_bias_and_no_wide_head():
    op = Attention(
        component="core", batch=1, heads=1, kv_heads=1, head_dim=8, value_dim=4, queries=2, keys=2
    )
    reasons = [
        Flash3().unsupported(attrs.evolve(op, **changes))
        for changes in ({"bias": "alibi"}, {"head_dim": 257}, {"value_dim": 300})
    ]
    assert [reason.partition(" takes ")[2] for reason in reasons] == [
        "no attention bias (alibi)",
        "heads of up to 256, not 257",
        "heads of up to 256, not 300",
    ]
