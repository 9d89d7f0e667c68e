"""The floor of a stage, term by term, worked out by hand."""

import attrs
import pytest

from flopbench import blocks
from flopbench.analytic.price import price
from flopbench.blocks import Pass, Site
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash
from flopbench.commands.run.times import Needed
from flopbench.conventions import Conventions
from flopbench.hardware.floor import Floor, stage_floor
from flopbench.hardware.times import StageTimes
from flopbench.ops import Conv2d, Convolution, Embedding, ExpertLinear, FusedAttention, Linear
from support.machines import toy

BFLOAT16 = 2


def priced(ops, mode=None):
    return price(ops, mode or Needed(), Eager(), Conventions())


def floor(ops, mode=None, **gpu):
    return stage_floor(priced(ops, mode), toy(**gpu))


def layer(**changes):
    return Linear(component="l", rows=1, in_features=8, out_features=8, **changes)


def test_a_single_product():
    """64 weights, 8 elements in, 8 out; 128 FLOPs."""
    found = floor([layer()])
    assert (found.weight_bytes, found.activation_bytes, found.kept_bytes) == (128, 32, 0)
    assert (found.compute_ms, found.memory_ms, found.ms) == (16, 160, 160)
    assert found.bound_by == "memory"
    assert found.to_dict()["floor_ms"] == found.ms


def test_only_ends_move_activations():
    """What is between the first and the last operation may stay on the chip."""
    found = floor([layer(), layer(layers=3), layer()])
    assert (found.weight_bytes, found.activation_bytes) == (5 * 128, 32)


@pytest.mark.parametrize(("l2", "kept"), [(0, 0), (100, 200), (128, 256), (10**6, 256)])
def test_steps_read_weights_again_unless_a_cache_keeps_them(l2, kept):
    found = floor([layer(steps=3)], l2_bytes=l2)
    assert (found.weight_bytes, found.kept_bytes) == (3 * 128, kept)
    assert found.bytes_moved == 3 * 128 - kept + 3 * 32


def test_shared_weights_count_once():
    found = floor([layer(), layer(weights_shared=True)])
    assert found.weight_bytes == 128
    assert found.compute_ms == 2 * 16


def ends(*, tied, rows=3):
    embed = Embedding(component="decoder/embed", tokens=rows, width=4, entries=10)
    head = Linear(
        component="lm_head", rows=rows, in_features=4, out_features=10, weights_shared=tied
    )
    return [embed, head]


def test_embeddings_count_one_row_and_a_tied_head_the_table():
    row, table = 4 * BFLOAT16, 40 * BFLOAT16
    assert floor(ends(tied=False)).weight_bytes == row + table
    assert floor(ends(tied=True)).weight_bytes == table  # the row is one of it
    assert floor(ends(tied=False, rows=0)).weight_bytes == 0
    embed, head = ends(tied=True)
    assert floor([embed, attrs.evolve(head, rows=0)]).weight_bytes == row


def test_experts_count_at_the_fewest():
    def found(tokens):
        op = ExpertLinear(
            component="e", rows=2 * tokens, in_features=4, out_features=4, experts=8, top_k=2
        )
        return floor([op]).weight_bytes

    assert found(1) == found(100) == 2 * 16 * BFLOAT16
    assert found(0) == 0


def test_convolutions_count_a_product_per_output_and_pair_of_channels():
    op = Conv2d(
        component="c",
        **dict.fromkeys(("batch", "in_channels", "out_channels"), 2),
        kernel_size=3,
        **dict.fromkeys(("in_height", "in_width", "out_height", "out_width"), 8),
    )
    assert op.tensor_flops() == 2 * 9 * 4 * 128
    assert floor([op]).compute_ms == 2 * 4 * 64 * 2 / 8
    line = Convolution(
        component="c", batch=1, in_channels=2, out_channels=2, kernel=(5,), in_size=(9,),
        out_size=(9,),
    )  # fmt: skip
    assert floor([line]).compute_ms == 2 * 4 * 9 / 8


def test_padding_of_a_kernel_does_not_count():
    sizes = dict.fromkeys(("heads", "head_dim", "value_dim", "pairs", "inputs", "outputs"), 2)
    op = FusedAttention(component="a", **sizes)
    padded = attrs.evolve(op, padding=1000)
    assert floor([padded]).compute_ms == floor([op]).compute_ms > 0


ATTENTION = blocks.SelfAttention(width=4, heads=1, kv_heads=1, head_dim=4)
KEPT = 2 * 4 * BFLOAT16
"""Bytes of keys and values of a token."""


def attention(**sizes):
    run = Pass(batch=1, head_rows=1, **sizes)
    return list(ATTENTION.ops(Site("decoder/attention", steps=run.steps), run))


def test_a_prefill_writes_its_cache():
    assert floor(attention(queries=10, keys=10)).kv_cache_bytes == 10 * KEPT


def test_a_prefill_after_others_reads_theirs():
    assert floor(attention(queries=4, keys=10)).kv_cache_bytes == 10 * KEPT


def test_steps_read_what_was_there_and_write_one_token_each():
    found = floor(attention(queries=1, keys=11, steps=3))
    assert found.kv_cache_bytes == (10 + 11 + 12 + 3) * KEPT


def test_a_cache_may_keep_keys_and_values():
    ops = attention(queries=1, keys=11, steps=3)
    weights = 4 * 4 * 4 * BFLOAT16
    found = floor(ops, l2_bytes=10**6)
    ends_moved = 3 * 2 * 4 * BFLOAT16
    assert found.bytes_moved == weights + (10 + 3) * KEPT + ends_moved
    assert found.kept_bytes == 2 * weights + (10 + 11 + 12 - 10) * KEPT


def test_what_leaves_a_window_need_not_be_written():
    window = attrs.evolve(ATTENTION, window=4)
    run = Pass(batch=1, queries=10, keys=10, head_rows=1)
    found = floor(list(window.ops(Site("decoder/attention"), run)))
    assert found.kv_cache_bytes == 3 * KEPT


def test_masked_pairs_do_not_count_whatever_the_mode_does():
    """10 queries see 55 of 100 keys: 2 products of 4 wide heads; projections: 4 of 4 x 4."""
    ops = attention(queries=10, keys=10)
    projections = 2 * 4 * 10 * 16
    assert floor(ops).compute_ms == (projections + 4 * 4 * 55) / 8
    assert floor(ops, Eager()).compute_ms == (projections + 4 * 4 * 100) / 8
    eager, flash = (
        StageTimes.of(priced(ops, mode), toy(), priced(ops)) for mode in (Eager(), Flash())
    )
    assert eager.floor.compute_ms == flash.floor.compute_ms == floor(ops).compute_ms


def test_the_least_work_is_known_of_any_attention():
    """A bias and values of another width, which flash leaves to eager."""
    odd = attrs.evolve(ATTENTION, bias="a bias")
    run = Pass(batch=1, queries=10, keys=10, head_rows=1)
    ops = list(odd.ops(Site("decoder/attention"), run))
    assert floor(ops).compute_ms == floor(attention(queries=10, keys=10)).compute_ms
    assert floor(ops, Flash()).compute_ms > floor(ops).compute_ms


def test_a_mode_that_does_less_has_its_own_floor():
    ops = attention(queries=10, keys=10)
    less, more = priced(ops), priced(ops, Eager())
    assert StageTimes.of(less, toy(), more).floor.ms == stage_floor(less, toy()).ms


def test_the_expansion_of_latents_counts_its_weights_alone():
    latent = blocks.LatentAttention(
        width=4, heads=2, query_rank=None, kv_rank=3, nope_dim=2, rope_dim=2, value_dim=2
    )
    run = Pass(batch=1, queries=1, keys=11, head_rows=1, steps=2)
    ops = list(latent.ops(Site("decoder/attention", steps=2), run))
    found = floor(ops)
    keys = 11 + 12
    products = 2 * 4 * 8 + 2 * 4 * 5 + 2 * 4 * 4  # queries, latents, output: one token each
    core = 2 * 2 * (4 + 2) * keys
    assert found.compute_ms == (2 * products + core) / 8
    weights = 4 * 8 + 4 * 5 + 3 + 3 * 2 * 4 + 4 * 4
    assert found.weight_bytes == 2 * weights * BFLOAT16
    assert found.kv_cache_bytes == 5 * BFLOAT16 * (10 + 11 + 2)


def test_floors_add_up():
    one, two = floor([layer()]), floor([layer(steps=3)])
    both = one + two
    assert both.ms == one.ms + two.ms
    assert both.weight_bytes == 4 * 128
    assert (Floor().ms, Floor().bound_by) == (0, None)
    assert floor([]).ms == 0
