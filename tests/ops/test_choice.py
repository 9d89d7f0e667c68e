"""Chunks of keys and chosen keys against brute force: every query and key, one by one."""

import numpy as np
import pytest
import sympy
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from flopbench.dims.forms import evaluate
from flopbench.ops import Attention

small = st.integers(1, 6)


def attention(**sizes):
    usual = {"batch": 1, "heads": 1, "kv_heads": 1, "head_dim": 1, "value_dim": 1}
    return Attention(component="core", causal=True, **(usual | sizes))


@st.composite
def chunked(draw):
    one_step = draw(st.booleans())
    queries = draw(small) if one_step else 1
    return attention(
        steps=1 if one_step else draw(small),
        queries=queries,
        keys=queries + draw(st.integers(0, 20)),
        window=draw(st.integers(1, 7)),
        chunked=True,
        evicts=draw(st.booleans()),
    )


def steps_of(op):
    """Yield the positions of the queries of each step, from 0."""
    for step in range(op.steps):
        last = op.keys + step * op.queries
        yield range(last - op.queries, last)


@given(chunked())
def test_a_query_sees_the_keys_of_its_own_chunk_up_to_its_own(op):
    pairs = visits = 0
    for queries in steps_of(op):
        seen = [
            {key for key in range(query + 1) if key // op.window == query // op.window}
            for query in queries
        ]
        pairs += sum(map(len, seen))
        visits += max(queries) + 1 - min(set().union(*seen))
    assert op.unmasked_pairs == pairs
    assert op.band_key_visits == visits


@given(chunked())
def test_a_cache_keeps_of_chunks_what_it_keeps_of_windows(op):
    sliding = evolve(op, chunked=False)
    assert (op.key_visits, op.last_keys) == (sliding.key_visits, sliding.last_keys)
    assert op.unmasked_pairs <= sliding.unmasked_pairs


chosen = st.builds(
    lambda queries, more, **sizes: attention(queries=queries, keys=queries + more, **sizes),
    queries=small,
    more=st.integers(0, 20),
    steps=small,
    chosen=st.integers(1, 30),
)


@given(chosen)
def test_a_query_attends_to_as_many_chosen_keys_as_there_are_up_to_its_own(op):
    positions = [query for queries in steps_of(op) for query in queries]
    assert op.chosen_pairs == sum(len(range(query + 1)[-op.chosen :]) for query in positions)
    assert evolve(op, chosen=None).chosen_pairs == op.unmasked_pairs
    assert op.unmasked_pairs == sum(query + 1 for query in positions)


@given(chosen)
def test_a_choice_among_all_keys_writes_as_many_as_there_may_be(op):
    written = sum(
        len(range(queries[-1] + 1)[: op.chosen]) for queries in steps_of(op) for _ in queries
    )
    assert op.largest_choices(op.chosen) == written


POINTS = st.lists(st.tuples(st.integers(0, 9), small, st.integers(1, 9)), min_size=1)


@given(POINTS)
def test_arrays_and_symbols_give_what_ints_give(points):
    def figures(more, steps, most):
        of = {"queries": 1, "keys": 1 + more, "steps": steps}
        choice = attention(chosen=most, **of)
        chunks = attention(window=most, chunked=True, **of)
        return choice.chosen_pairs, choice.largest_choices(choice.chosen), chunks.unmasked_pairs

    alone = [figures(*point) for point in points]
    columns = figures(*(np.array(c, dtype=object) for c in zip(*points, strict=True)))
    more = sympy.Symbol("more", integer=True, nonnegative=True)
    rest = sympy.symbols("steps most", integer=True, positive=True)
    forms = figures(more, *rest)
    for column, form, values in zip(columns, forms, zip(*alone, strict=True), strict=True):
        assert (np.zeros(len(points), dtype=int) + column).tolist() == list(values)
        for point, value in zip(points, values, strict=True):
            names = dict(zip(("more", "steps", "most"), point, strict=True))
            assert evaluate(form, names) == value


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"chunked": True}, "needs a window"),
        ({"chunked": True, "window": 3, "queries": 2, "keys": 2, "steps": 2}, "one step"),
        ({"chosen": 3, "window": 3}, "without window and prefix"),
        ({"chosen": 3, "causal": False}, "causal mask"),
        ({"chosen": 3, "prefix": 1}, "prefix=1"),
    ],
)
def test_an_impossible_choice_is_refused(change, problem):
    with pytest.raises(ValueError, match=problem):
        evolve(attention(queries=1, keys=1), **change)
