"""Recurrences of linear attention: products by chunk or token, against loops, and their laws."""

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from flopbench.conventions import Conventions
from flopbench.ops import (
    ChannelDeltaRule,
    DeltaRule,
    KvCacheUpdate,
    Lightning,
    RgLru,
    ShiftedConvolution,
    TokenShift,
    Wkv,
)

PLACE = {"component": "decoder/recurrence/core", "layers": 3}
sizes = st.integers(1, 5)
tokens = st.integers(1, 20)


def tensor(ops):
    return sum(op.tensor_flops() for op in ops)


def vector(ops):
    return sum(op.vector_flops(Conventions()) for op in ops)


def delta(kind=DeltaRule, **changed):
    usual = {"batch": 2, "tokens": 9, "heads": 4, "key_heads": 2, "key_dim": 3, "value_dim": 5}
    return kind(**PLACE, **({**usual, "chunk": 4} | changed))


def lightning(**changed):
    usual = {"batch": 2, "tokens": 9, "heads": 3, "head_dim": 5, "block": 4}
    return Lightning(**PLACE, **(usual | changed))


def wide(kind, **changed):
    own = {"mixes": 3} if kind is TokenShift else {}
    return kind(**PLACE, **({"batch": 2, "tokens": 9, "width": 6} | own | changed))


@given(batch=sizes, tokens=tokens, key=sizes, value=sizes, length=sizes)
def test_a_delta_rule_does_six_products_and_two_solves_per_chunk(batch, tokens, key, value, length):
    """Per chunk: K K', Q K'; two solves; and with the state K S, Q S, (Q K') V and K' V."""
    op = delta(batch=batch, tokens=tokens, key_dim=key, value_dim=value, chunk=length)
    expected = 0
    for _head in range(batch * 4):
        for _chunk in range(0, tokens, length):
            expected += 2 * 2 * length * length * key
            expected += length * (length - 1) * (value + key)
            expected += 2 * 3 * length * key * value + 2 * length * length * value
    assert tensor(op.chunked()) == expected


@given(batch=sizes, tokens=tokens, key=sizes, value=sizes, length=sizes)
def test_a_decay_per_channel_leaves_four_products_and_an_inverse(batch, tokens, key, value, length):
    op = delta(
        ChannelDeltaRule, batch=batch, tokens=tokens, key_dim=key, value_dim=value, chunk=length
    )
    chunks = batch * 4 * len(range(0, tokens, length))
    inverse = 2 * length * length * (value + key)
    passed = 2 * 3 * length * key * value + 2 * length * length * value
    assert tensor(op.chunked()) == chunks * (inverse + passed)


@given(length=st.integers(1, 40))
def test_the_inverse_takes_a_product_and_a_sum_for_each_pair_of_a_row_before(length):
    one = delta(ChannelDeltaRule, batch=1, tokens=length, heads=1, key_heads=1, chunk=length)
    loop = sum(i * i for i in range(length))
    squares = [
        op.outputs
        for op in one.chunked()
        if op.kind == "multiply" and op.takes == ("inverse", "inverse")
    ]
    assert squares == [loop]


@given(batch=sizes, tokens=tokens, dim=sizes, block=sizes)
def test_lightning_attention_multiplies_whole_blocks_and_the_rest(batch, tokens, dim, block):
    op = lightning(batch=batch, tokens=tokens, head_dim=dim, block=block)
    expected = 0
    for start in range(0, tokens, block):
        length = min(block, tokens - start)
        expected += 2 * 2 * length * length * dim + 2 * 2 * length * dim * dim
    assert tensor(op.as_run()) == batch * 3 * expected
    assert tensor(op.sequential()) == batch * 3 * tokens * 4 * dim * dim


def test_lightning_attention_goes_token_by_token_from_a_state():
    assert tensor(lightning(resumed=True).as_run()) == tensor(lightning().sequential())
    assert tensor(lightning(resumed=True).as_run()) != tensor(lightning().as_run())


@pytest.mark.parametrize("make", [delta, lightning, lambda **c: delta(ChannelDeltaRule, **c)])
def test_many_sizes_at_once_are_each_by_itself(make):
    many = np.arange(1, 12)
    for form in ("chunked", "sequential"):
        together = tensor(getattr(make(tokens=many), form)())
        one_by_one = [tensor(getattr(make(tokens=int(n)), form)()) for n in many]
        assert (np.asarray(together) == one_by_one).all()
        symbol = sympy.Symbol("S", integer=True, positive=True)
        form_of = sympy.sympify(tensor(getattr(make(tokens=symbol), form)()))
        assert [form_of.subs(symbol, int(n)) for n in many] == one_by_one


@pytest.mark.parametrize("make", [delta, lightning])
def test_one_kernel_does_the_work_of_its_chunks(make):
    (kernel,) = make().fused()
    assert kernel.tensor_flops() == tensor(make().chunked())
    assert kernel.weights() == make().weights()


def test_an_unused_last_state_and_a_first_one_of_zeros_need_no_gradient():
    taken = [op.takes for op in delta().chunked() if op.kind == "matmul"]
    assert taken.count(()) == 1
    assert sum("first state" in names for names in taken) == 2


@pytest.mark.parametrize(
    ("op", "held"),
    [
        (delta(), 4 * 3 * 5),
        (lightning(), 3 * 5 * 5),
        (wide(RgLru), 6),
        (wide(Wkv), 3 * 6),
        (wide(TokenShift), 6),
        (ShiftedConvolution(**PLACE, batch=2, tokens=9, channels=6, kernel=4), 6 * 3),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_state_is_read_once_there_is_one_and_always_written(op, held):
    import attrs

    for resumed in (False, True):
        (update,) = attrs.evolve(op, resumed=resumed).state()
        assert isinstance(update, KvCacheUpdate)
        assert (update.cache_written(), update.cache_held()) == (2 * held, 2 * held)
        assert update.cache_reads == (2 * held if resumed else 0)
    assert not list(op.uncached().state())


@pytest.mark.parametrize("kind", [RgLru, Wkv, TokenShift])
@given(tokens=tokens)
def test_work_per_channel_grows_with_the_tokens(kind, tokens):
    fixed = vector(wide(kind, tokens=0).sequential())
    one = vector(wide(kind, tokens=1).sequential()) - fixed
    assert vector(wide(kind, tokens=tokens).sequential()) == fixed + tokens * one
    assert wide(kind).no_chunks


@given(kernel=st.integers(2, 6), tokens=tokens, bias=st.booleans())
def test_a_shifted_convolution_multiplies_one_token_without_a_convolution(kernel, tokens, bias):
    op = ShiftedConvolution(
        **PLACE, batch=2, tokens=tokens, channels=6, kernel=kernel, bias=bias, resumed=True
    )
    run = list(op.as_run())
    if tokens == 1:
        assert tensor(run) == 0
        assert vector(run) == 2 * 6 * (kernel + kernel - 1 + bias)
    else:
        assert tensor(run) == 2 * 2 * 6 * kernel * (tokens + kernel - 1)
    assert sum(each.weights() for each in run) == op.weights()


@pytest.mark.parametrize("kind", [DeltaRule, ChannelDeltaRule])
def test_weights_are_those_of_what_carries_it_out(kind):
    op = delta(kind)
    for form in (op.chunked, op.sequential):
        assert sum(each.weights() for each in form()) == op.weights()
    assert op.weights() == 4 * (1 + (3 if kind is ChannelDeltaRule else 1))
