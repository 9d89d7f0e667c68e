"""The op attention: its pairs under a mask, and shapes that cannot be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopbench.ops import Attention


@pytest.mark.parametrize(
    "change",
    [
        {"queries": 8, "keys": 2, "causal": True},
        {"queries": 8, "keys": 2, "steps": 3},
        {"heads": 2, "kv_heads": 3},
        {"heads": 4, "kv_heads": 3},
        {"heads": 0, "kv_heads": 0},
    ],
)
def test_an_impossible_attention_is_refused(change):
    sizes = {"batch": 1, "heads": 4, "kv_heads": 2, "head_dim": 4, "value_dim": 4}
    with pytest.raises(ValueError, match="attention needs"):
        Attention(component="core", **({"queries": 1, "keys": 1} | sizes | change))


@given(st.integers(1, 12), st.integers(0, 12), st.integers(0, 15))
def test_pairs_under_a_prefix_are_those_of_the_mask(queries, older, prefix):
    keys = queries + older
    op = Attention(
        component="a",
        batch=1,
        heads=1,
        kv_heads=1,
        head_dim=4,
        value_dim=4,
        queries=queries,
        keys=keys,
        causal=True,
        prefix=min(prefix, keys),
    )
    seen = sum(
        key <= older + query or key < op.prefix for query in range(queries) for key in range(keys)
    )
    assert op.unmasked_pairs == seen
    assert op.pairs == queries * keys
