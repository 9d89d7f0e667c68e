"""Executed work against brute force (tile by tile), laws, and facts measured elsewhere."""

import json
from fractions import Fraction
from pathlib import Path

import attrs
import numpy as np
import pytest
import sympy
from hypothesis import assume, given
from hypothesis import strategies as st

from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash
from flopbench.conventions import Conventions
from flopbench.errors import UsageError
from flopbench.kernels.flash_mode import FlashExecuted
from flopbench.kernels.flash_tiles import GPUS, KERNELS, Tile
from flopbench.kernels.flash_work import Choice, executed_flops, touched_tiles
from flopbench.ops import Attention

H200 = Choice(GPUS["h200"])
TILES = [(128, 64), (128, 128), (64, 128), (64, 256), (64, 64), (192, 128), (128, 176), (192, 144)]
kernels = st.sampled_from(["auto", *KERNELS])


def attention(**sizes):
    given_sizes = {"batch": 1, "heads": 10, "head_dim": 128, "causal": False} | sizes
    heads, width = given_sizes["heads"], given_sizes["head_dim"]
    return Attention(component="core", **({"kv_heads": heads, "value_dim": width} | given_sizes))


@st.composite
def attentions(draw, widths=(64, 128)):
    queries = draw(st.one_of(st.just(1), st.integers(1, 1500)))
    kv_heads = draw(st.integers(1, 12))
    return attention(
        batch=draw(st.integers(1, 5)),
        heads=kv_heads * draw(st.integers(1, 3)),
        kv_heads=kv_heads,
        head_dim=draw(st.sampled_from(widths)),
        queries=queries,
        keys=queries + draw(st.one_of(st.just(0), st.integers(0, 3000))),
        causal=draw(st.booleans()),
    )


def runs(op, kernel):
    """Whether a kernel is modelled for such an op."""
    ungrouped = op.heads == op.kv_heads or op.queries == 1
    return (kernel != "cudnn" or op.head_dim in {64, 128}) and (kernel != "fa3" or ungrouped)


@given(st.integers(1, 700), st.integers(0, 700), st.sampled_from(TILES), st.booleans())
def test_a_kernel_computes_the_tiles_that_hold_an_unmasked_pair_or_end_a_row_block(
    rows, more, sides, causal
):
    """Walk over the tiles: one is skipped if all its keys come after its rows' last query."""
    block, keys = Tile(*sides), rows + more
    count = 0
    for row in range(0, rows, block.rows):
        last = row + block.rows - 1 + more  # the last row of the block, padding included
        count += sum(not causal or key <= last for key in range(0, keys, block.keys))
    assert touched_tiles(rows, keys, block, causal=causal) == count


@given(attentions(widths=(8, 64, 72, 128)), kernels)
def test_executed_is_never_less_than_useful(op, kernel):
    assume(runs(op, kernel))
    assert executed_flops(op, Choice(GPUS["h200"], kernel)) >= useful(op)


def useful(op):
    return price([op], Flash(), Eager(), Conventions()).cost.tensor_flops


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5), st.sampled_from([64, 128]), kernels)
def test_whole_tiles_without_a_mask_have_no_padding(rows, columns, heads, width, kernel):
    # 1152 is a multiple of every tile's rows, and 10 * 1152 * 11 of every number of keys.
    op = attention(queries=1152 * rows, keys=1152 * 110 * columns, heads=heads, head_dim=width)
    assert executed_flops(op, Choice(GPUS["h200"], kernel)) == useful(op)


@given(st.sampled_from(["auto", "fa2", "cudnn", "fa3"]), st.sampled_from([64, 128]))
def test_the_share_of_padding_vanishes_as_causal_attention_grows(kernel, width):
    choice = Choice(GPUS["h200"], kernel)
    excess = []
    for length in (5 * 10**4, 5 * 10**5, 5 * 10**6):
        op = attention(queries=length, keys=length, head_dim=width, causal=True)
        excess.append(Fraction(executed_flops(op, choice), useful(op)) - 1)
    assert 0 < excess[2] < excess[1] / 5 < excess[0] / 25
    assert excess[2] < Fraction(1, 10**4)


@st.composite
def decodings(draw):
    queries = draw(st.sampled_from([1, 1, 1, 2, 7, 64, 65, 100]))
    op = draw(attentions())
    return attrs.evolve(
        op, queries=queries, keys=queries + draw(st.integers(0, 700)), steps=draw(st.integers(1, 9))
    )


@given(decodings(), kernels)
def test_the_steps_of_decoding_add_up(op, kernel):
    assume(runs(op, kernel))
    choice = Choice(GPUS["h200"], kernel)
    single = [
        executed_flops(attrs.evolve(op, steps=1, keys=op.keys + step * op.queries), choice)
        for step in range(op.steps)
    ]
    assert executed_flops(op, choice) == sum(single)


def test_a_million_steps_are_not_walked():
    op = attention(queries=1, keys=914, steps=10**6, causal=True)
    blocks = sum(-(-keys // 128) for keys in range(914, 914 + 10**6))
    assert executed_flops(op, H200) == 4 * 128 * 10 * 64 * 128 * blocks


@given(st.lists(decodings(), min_size=1, max_size=4), kernels)
def test_arrays_are_the_ints_side_by_side(ops, kernel):
    assume(all(runs(op, kernel) for op in ops))
    choice = Choice(GPUS["h200"], kernel)
    first = ops[0]
    ops = [attrs.evolve(op, causal=first.causal, head_dim=first.head_dim) for op in ops]
    sizes = ("batch", "heads", "kv_heads", "queries", "keys", "steps")
    stacked = {name: np.array([getattr(op, name) for op in ops]) for name in sizes}
    together = attrs.evolve(first, **stacked)
    assert list(executed_flops(together, choice)) == [executed_flops(op, choice) for op in ops]


@given(decodings(), kernels)
@pytest.mark.slow
def test_a_symbolic_form_evaluates_to_the_ints(op, kernel):
    assume(runs(op, kernel))
    choice = Choice(GPUS["h200"], kernel)
    names = ["batch", "heads", "kv_heads", "queries", "keys", "steps"]
    if kernel == "fa3":  # its packing of grouped heads is modelled for one query only
        op = attrs.evolve(op, kv_heads=op.heads)
    symbols = {name: sympy.Symbol(name, integer=True, positive=True) for name in names}
    if kernel == "fa3":
        symbols["kv_heads"] = symbols["heads"]
    form = executed_flops(attrs.evolve(op, **symbols), choice)
    values = {symbol: getattr(op, name) for name, symbol in symbols.items()}
    assert form.subs(values).doit() == executed_flops(op, choice)


def test_steps_that_fall_in_no_block_cost_no_look(monkeypatch):
    looks = []
    pairs = Choice.pairs
    monkeypatch.setattr(Choice, "pairs", lambda *a: looks.append(a) or pairs(*a))
    few = attention(queries=4096, keys=4096, steps=3)
    executed_flops(few, H200)
    assert len(looks) == 3  # and not the 130 blocks of keys between
    looks.clear()
    executed_flops(attention(queries=700, keys=700, steps=np.array([1, 60, 90])), H200)
    assert len(looks) <= 90


@pytest.mark.parametrize("kernel", ["auto", *KERNELS])
def test_no_query_executes_nothing(kernel):
    choice = Choice(GPUS["h200"], kernel)
    assert executed_flops(attention(queries=0, keys=914), choice) == 0
    sizes = attention(queries=np.array([0, 1]), keys=914)
    assert list(executed_flops(sizes, choice) > 0) == [False, True]


@pytest.mark.parametrize("dim", [sympy.Integer(128), np.int64(128)])
def test_a_head_dim_is_a_number_in_whichever_type(dim):
    op = attention(queries=1, keys=914, head_dim=dim, value_dim=dim)
    assert FlashExecuted().unsupported(op) is None
    assert executed_flops(op, H200) == executed_flops(attention(queries=1, keys=914), H200)


def test_a_mode_of_another_kernel_gives_that_kernels_reason():
    class Cudnn(FlashExecuted):
        name = "cudnn_executed"
        choice = Choice(GPUS["h200"], "cudnn")

    op = attention(queries=10, keys=10, head_dim=192)
    assert Cudnn().unsupported(op).startswith("cuDNN's tiles were measured only for heads of 64")


@pytest.mark.parametrize("queries", [2, sympy.Symbol("q", integer=True, positive=True)])
def test_fa3_with_grouped_heads_and_several_queries_is_refused(queries):
    op = attention(queries=queries, keys=100, heads=8, kv_heads=2)
    with pytest.raises(UsageError, match=r"may pack grouped heads .* for one query only"):
        executed_flops(op, Choice(GPUS["h100"], "fa3"))
    one = attention(queries=1, keys=100, heads=8, kv_heads=2)
    assert executed_flops(one, Choice(GPUS["h100"], "fa3")) == 4 * 128 * 2 * 64 * 176


@pytest.mark.parametrize(
    ("head_dim", "queries", "rows"),
    [(128, 64, 64), (128, 65, 128), (120, 64, 128), (128, 1, 64), (256, 1, 128)],
)
def test_fa3_takes_64_rows_for_few_of_exactly_128_wide_heads(head_dim, queries, rows):
    op = attention(queries=queries, keys=500, head_dim=head_dim)
    assert Choice(GPUS["h100"], "fa3").tile("fa3", op).rows == rows
    assert Choice(GPUS["h100"], "fa3", fp8=True).tile("fa3", op).rows == 128


CASES = json.loads(Path(__file__).with_name("nvidia_h200_counters.json").read_text())["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['op']} {c['q']} {c['causal']}")
def test_counters_read_elsewhere(case):
    sizes = {"heads": case["heads"], "head_dim": case["head_dim"], "causal": case["causal"]}
    op = attention(queries=case["q"], keys=case["kv"], **sizes)
    assert executed_flops(op, H200) == case["executed"]
    kernel = "fa2_splitkv" if case["op"] == "sdpa_flash_splitkv" else "fa2"
    assert (H200.splits(op, op.keys) > 1) == (kernel == "fa2_splitkv")
    tile = H200.tile(kernel, op)
    assert [tile.rows, tile.keys] == case["kernel_tile"]


def test_a_decode_step_executes_72_times_the_useful_work():
    op = attention(queries=1, keys=914)
    assert Fraction(executed_flops(op, H200), useful(op)) == Fraction(64 * 1024, 914)


def test_grouped_heads_share_a_row_block_in_decoding():
    op = attention(queries=1, keys=4096, heads=32, kv_heads=8)
    assert executed_flops(op, H200) * 4 == executed_flops(attrs.evolve(op, kv_heads=32), H200)


def test_the_mode_is_flash_plus_padding():
    op = attention(queries=913, keys=913, causal=True, layers=12)
    executed = price([op], FlashExecuted(), Eager(), Conventions())
    cost = executed.cost
    flash = price([op], Flash(), Eager(), Conventions()).cost
    assert cost.tensor_flops == 12 * 2_684_354_560
    assert cost.tensor_flops - cost.padding_flops == flash.tensor_flops
    assert cost.vector_flops == flash.vector_flops
    assert executed.torch_visible_flops == flash.padding_flops == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"head_dim": np.array([64, 128])}, "head_dim must be a number"),
        ({"bias": "relative positions"}, "takes no attention bias"),
        ({"head_dim": 300}, "heads of up to 256"),
    ],
)
def test_what_has_no_tile_runs_eagerly_and_is_listed(change, reason):
    op = attention(queries=10, keys=10, **change)
    (fallback,) = price([op], FlashExecuted(), Eager(), Conventions()).fallbacks
    assert reason in fallback.reason
