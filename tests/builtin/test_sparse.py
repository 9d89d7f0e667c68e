"""The mode of chosen keys against brute force, and modes that know no choice."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopbench.analytic.price import price
from flopbench.blocks import LatentAttention, Site, decode_passes, prefill_pass
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash, Flash3
from flopbench.builtin.sparse import Sparse
from flopbench.conventions import Conventions
from flopbench.ops import Attention

small = st.integers(1, 5)


@st.composite
def attentions(draw):
    queries, head_dim = draw(st.integers(1, 6)), draw(small)
    return Attention(
        component="core",
        layers=draw(small),
        steps=draw(small),
        batch=draw(small),
        heads=2 * draw(small),
        kv_heads=2,
        head_dim=head_dim,
        value_dim=draw(small),
        queries=queries,
        keys=queries + draw(st.integers(0, 9)),
        causal=True,
        chosen=draw(st.integers(1, 20)),
        cached=True,
    )


def priced(op, mode):
    return price([op], mode, Eager(), Conventions())


def cost(op, mode):
    return attrs.asdict(priced(op, mode).cost)


def attended(op):
    """Count the pairs of every step and query; a query attends to no more keys than it may."""
    last = [op.keys + step * op.queries for step in range(op.steps)]
    return sum(min(keys - back, op.chosen) for keys in last for back in range(op.queries))


@given(attentions())
def test_the_kernel_multiplies_the_pairs_of_chosen_keys_alone(op):
    found = priced(op, Sparse())
    macs = attended(op) * op.layers * op.batch * op.heads * (op.head_dim + op.value_dim)
    assert found.cost.tensor_flops == 2 * macs
    assert not found.fallbacks


@given(attentions())
def test_a_step_of_one_query_reads_what_it_chose_and_one_of_several_every_key(op):
    read = priced(op, Sparse()).cost.kv_cache_bytes_read
    width = 2 * op.kv_heads * (op.head_dim + op.value_dim) * op.batch * op.layers
    keys = [op.keys + step * op.queries for step in range(op.steps)]
    if op.queries == 1:
        keys = [min(each, op.chosen) for each in keys]
    assert read == sum(keys) * width


@given(attentions())
def test_eager_attention_ignores_the_choice(op):
    assert cost(op, Eager()) == cost(attrs.evolve(op, chosen=None), Eager())


@given(attentions(), st.sampled_from([Flash, Flash3]))
def test_flash_attention_refuses_a_choice_that_hides_keys(op, mode):
    op = attrs.evolve(op, value_dim=op.head_dim)
    last = op.keys + (op.steps - 1) * op.queries
    reason = mode().unsupported(op)
    assert (reason is None) == (last <= op.chosen)
    if reason is None:
        assert cost(op, mode()) == cost(op, Sparse())


def test_flash_attention_3_runs_chunks_and_2_does_not():
    op = Attention(
        component="core", batch=1, heads=1, kv_heads=1, head_dim=4, value_dim=4, queries=10,
        keys=10, causal=True, window=4, chunked=True,
    )  # fmt: skip
    assert Flash().unsupported(op) == (
        "FlashAttention-2 takes no chunks of keys; FlashAttention-3 does (--attention flash3)"
    )
    # Chunks of 4, 4 and 2 tokens.
    assert priced(op, Flash3()).cost.tensor_flops == 2 * 2 * 4 * (10 + 10 + 3)
    assert Flash().unsupported(attrs.evolve(op, window=10)) is None


BLOCK = LatentAttention(
    width=16, heads=3, query_rank=5, kv_rank=6, nope_dim=4, rope_dim=2, value_dim=7, chosen=4
)


def in_mode(run, mode):
    ops = BLOCK.ops(Site("attention", steps=run.steps), run)
    return price(ops, mode, Eager(), Conventions(), "float32")


@pytest.mark.parametrize(
    ("run", "tokens", "pairs", "keys"),
    [
        # Queries at 1, …, 9 attend to 1 + 2 + 3 + 6 * 4 keys; all nine are read.
        (prefill_pass(batch=2, context=9, head_rows=1), 9, 30, 9),
        # Steps on 3, 4 and 5 keys attend to 3 + 4 + 4, and read those.
        (decode_passes(batch=2, context=2, steps=3), 3, 11, 11),
    ],
)
def test_on_latents_the_expansion_is_multiplied_into_queries_and_outputs(run, tokens, pairs, keys):
    found = in_mode(run, Sparse())
    flops = {(x.component, x.kind): x.cost for x in found.lines}
    core = flops["attention/core", "fused_attention"]
    # A key is 6 + 2 wide, and its first 6 elements are the value.
    assert core.tensor_flops == 2 * 2 * 3 * pairs * (8 + 6)
    assert core.kv_cache_bytes_read == 4 * 2 * keys * 8
    # 2 sequences: q_a, q_b, kv_a, then for each of 3 heads 4 -> 6 before and 6 -> 7 after.
    projections = 16 * 5 + 5 * 18 + 16 * 8 + 3 * (4 * 6 + 6 * 7)
    assert flops["attention/qkv", "linear"].tensor_flops == 2 * 2 * tokens * projections
    eager = in_mode(run, Eager())
    assert found.footprint.total_weight_bytes == eager.footprint.total_weight_bytes
    assert found.footprint.kv_cache_bytes == eager.footprint.kv_cache_bytes


def test_without_a_choice_it_is_flash_attention_3():
    plain = attrs.evolve(BLOCK, chosen=None)
    run = prefill_pass(batch=2, context=9, head_rows=1)
    ops = [*plain.ops(Site("attention"), run)]
    sparse, flash = (price(ops, mode, Eager(), Conventions()) for mode in (Sparse(), Flash3()))
    assert attrs.asdict(sparse.cost) == attrs.asdict(flash.cost)
