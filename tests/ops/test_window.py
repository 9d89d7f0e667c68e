"""Sliding windows against brute force: caches that are filled and evicted key by key."""

import numpy as np
import pytest
import sympy
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash
from flopbench.conventions import Conventions
from flopbench.dims.forms import evaluate
from flopbench.kernels.flash_mode import FlashExecuted
from flopbench.ops import Attention

small = st.integers(1, 6)


def attention(**sizes):
    usual = {"batch": 1, "heads": 1, "kv_heads": 1, "head_dim": 1, "value_dim": 1}
    return Attention(component="core", causal=True, **(usual | sizes))


@st.composite
def windowed(draw):
    queries = draw(small)
    return attention(
        steps=draw(small),
        queries=queries,
        keys=queries + draw(st.integers(0, 8)),
        window=draw(st.integers(1, 12)),
        evicts=draw(st.booleans()),
    )


def walked(op):
    """Walk over the steps with a cache of positions; count its keys, those seen, and pairs."""
    held = list(range(op.keys - op.queries))
    visits, seen_by_some, pairs, position = 0, 0, 0, len(held)
    for _ in range(op.steps):
        if op.evicts:
            held = held[len(held) - min(len(held), op.window - 1) :]
        new = [position + i for i in range(op.queries)]
        held += new
        position += op.queries
        seen = [{key for key in held if query - op.window < key <= query} for query in new]
        visits += len(held)
        seen_by_some += len(set().union(*seen))
        pairs += sum(map(len, seen))
    return visits, seen_by_some, pairs, len(held)


@given(windowed())
def test_keys_and_pairs_are_those_of_a_cache_walked_step_by_step(op):
    visits, seen_by_some, pairs, last = walked(op)
    assert op.key_visits == visits
    assert op.pairs == op.queries * visits
    assert op.band_key_visits == seen_by_some
    assert op.unmasked_pairs == pairs
    assert op.last_keys == last


POINTS = st.lists(st.tuples(small, st.integers(0, 8), small, st.integers(1, 12)), min_size=1)


@given(POINTS, st.booleans())
def test_arrays_and_symbols_give_what_ints_give(points, evicts):
    names = ("queries", "more", "steps", "window")

    def figures(queries, more, steps, window):
        op = attention(
            queries=queries, keys=queries + more, steps=steps, window=window, evicts=evicts
        )
        return (op.key_visits, op.band_key_visits, op.unmasked_pairs, op.last_keys)

    alone = [figures(*point) for point in points]
    columns = figures(*(np.array(c, dtype=object) for c in zip(*points, strict=True)))
    symbols = [sympy.Symbol(n, integer=True, nonnegative=n == "more") for n in names]
    symbols = [s if s.name == "more" else sympy.Symbol(s.name, positive=True, integer=True)
               for s in symbols]  # fmt: skip
    forms = figures(*symbols)
    for column, form, values in zip(columns, forms, zip(*alone, strict=True), strict=True):
        assert (np.zeros(len(points), dtype=int) + column).tolist() == list(values)
        for point, value in zip(points, values, strict=True):
            assert evaluate(form, dict(zip(names, point, strict=True))) == value


@given(windowed())
def test_a_window_that_nothing_leaves_is_no_window(op):
    wide = evolve(op, window=op.keys + op.queries * op.steps)
    free = evolve(op, window=None, evicts=False)
    for figure in ("key_visits", "band_key_visits", "pairs", "unmasked_pairs", "last_keys"):
        assert getattr(wide, figure) == getattr(free, figure)


def cost(op, mode):
    return price([op], mode, Eager(), Conventions()).cost


@given(windowed(), small, small)
def test_eager_multiplies_all_that_the_cache_holds_and_flash_the_band(op, heads, head_dim):
    op = evolve(op, heads=heads, head_dim=head_dim, value_dim=head_dim, cached=True)
    visits, seen_by_some, pairs, _ = walked(op)
    assert cost(op, Eager()).tensor_flops == 4 * heads * head_dim * op.queries * visits
    assert cost(op, Flash()).tensor_flops == 4 * heads * head_dim * pairs
    assert cost(op, Eager()).kv_cache_bytes_read == 2 * 2 * head_dim * visits
    assert cost(op, Flash()).kv_cache_bytes_read == 2 * 2 * head_dim * seen_by_some


def test_a_mask_of_a_window_in_a_prefill_hides_what_eager_computes_anyway():
    op = attention(queries=10, keys=10, window=3, evicts=True)
    assert op.pairs == 100
    assert op.unmasked_pairs == 1 + 2 + 8 * 3


def test_no_kernel_of_pytorch_runs_a_window_so_it_falls_back():
    op = attention(queries=10, keys=10, window=3, head_dim=64, value_dim=64)
    priced = price([op], FlashExecuted(), Eager(), Conventions())
    assert priced.cost.tensor_flops == cost(op, Eager()).tensor_flops
    assert "support neither windows" in priced.fallbacks[0].reason


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"window": 0}, "at least 1 key"),
        ({"window": 4, "causal": False}, "causal"),
        ({"evicts": True}, "needs a window"),
    ],
)
def test_an_impossible_window_is_refused(change, problem):
    with pytest.raises(ValueError, match=problem):
        evolve(attention(queries=1, keys=1), **change)


@given(windowed(), small)
def test_caps_and_sinks_are_vector_work_on_the_scores(op, heads):
    op = evolve(op, heads=heads)
    conventions = Conventions()
    scores, rows = heads * op.pairs, heads * op.queries * op.steps
    plain = cost(op, Eager()).vector_flops
    capped = cost(evolve(op, softcap=True), Eager()).vector_flops
    assert capped - plain == scores * conventions.softcap
    # A sink is one more score per row of the softmax.
    sunk = cost(evolve(op, sinks=True), Eager())
    assert sunk.vector_flops - plain == rows * conventions.softmax
    assert sunk.weight_bytes_read == 2 * heads * op.steps
    fused = cost(evolve(op, softcap=True), Flash()).vector_flops
    assert fused - cost(op, Flash()).vector_flops == (
        heads * op.unmasked_pairs * conventions.softcap
    )
    assert price([evolve(op, sinks=True)], Flash(), Eager(), conventions).fallbacks
