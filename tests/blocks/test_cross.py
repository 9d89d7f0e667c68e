"""Cross-attention against torch's own module, and against its steps one by one."""

import attrs
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from flopbench import blocks
from flopbench.analytic.price import price
from flopbench.blocks import Pass, Site, decode_passes, prefill_pass
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash
from flopbench.conventions import Conventions
from flopbench.kernels.flash_mode import FlashExecuted
from flopbench.ops import Attention

small = st.integers(1, 5)


def priced(ops, mode=None):
    return price(ops, mode or Eager(), Eager(), Conventions(), "float32")


@given(small, small, st.integers(1, 9), small, small, small, st.booleans())
def test_a_first_pass_does_what_torchs_module_does(
    batch, queries, memory, heads, head_dim, memory_width, bias
):
    width = heads * head_dim
    block = blocks.CrossAttention(
        width=width,
        heads=heads,
        head_dim=head_dim,
        memory_width=memory_width,
        bias=bias,
        out_bias=bias,
    )
    module = nn.MultiheadAttention(
        width,
        heads,
        bias=bias,
        kdim=memory_width,
        vdim=memory_width,
        batch_first=True,
        device="meta",
    )
    states = torch.empty(batch, memory, memory_width, device="meta")
    with FlopCounterMode(display=False) as counter:
        module(torch.empty(batch, queries, width, device="meta"), states, states)
    run = attrs.evolve(prefill_pass(batch=batch, context=queries, head_rows=1), memory=memory)
    found = priced(block.ops(Site("a"), run))
    assert found.torch_visible_flops == counter.get_total_flops()
    weights = sum(each.numel() for each in module.parameters())
    assert found.footprint.total_weight_bytes == 4 * weights
    assert found.footprint.kv_cache_bytes == 4 * 2 * batch * memory * width


@given(small, small, st.integers(1, 9), small)
def test_later_passes_read_what_the_first_kept(batch, context, memory, steps):
    block = blocks.CrossAttention(width=8, heads=2, head_dim=4)
    run = attrs.evolve(decode_passes(batch=batch, context=context, steps=steps), memory=memory)
    found = priced(block.ops(Site("a", steps=run.steps), run))
    # Queries and outputs, then scores and their products with the values.
    assert found.torch_visible_flops == steps * batch * (2 * 2 * 8 * 8 + 2 * 2 * 8 * memory)
    kept = 4 * 2 * batch * memory * 8
    assert found.footprint.kv_cache_bytes == kept
    assert (found.cost.kv_cache_bytes_read, found.cost.kv_cache_bytes_written) == (steps * kept, 0)


@pytest.mark.parametrize("mode", [Eager, Flash, FlashExecuted])
@given(small, small, st.integers(1, 300), st.integers(2, 9))
def test_steps_on_fixed_keys_are_equal(mode, batch, queries, keys, steps):
    op = Attention(
        component="core",
        steps=steps,
        batch=batch,
        heads=4,
        kv_heads=4,
        head_dim=64,
        value_dim=64,
        queries=queries,
        keys=keys,
        fixed_keys=True,
        cached=True,
    )
    one, every = (priced([each], mode()) for each in (attrs.evolve(op, steps=1), op))
    for name in ("tensor_flops", "vector_flops", "kv_cache_bytes_read", "padding_flops"):
        assert getattr(every.cost, name) == steps * getattr(one.cost, name), name
    assert every.footprint.peak_activation_bytes == one.footprint.peak_activation_bytes


def test_fixed_keys_take_no_causal_mask():
    with pytest.raises(ValueError, match="attention to fixed keys takes no causal mask"):
        Attention(
            component="core",
            batch=1,
            heads=1,
            kv_heads=1,
            head_dim=4,
            value_dim=4,
            queries=1,
            keys=3,
            causal=True,
            fixed_keys=True,
        )


def test_a_layer_reads_between_its_attention_and_its_mlp():
    sizes = {"width": 8, "heads": 2, "head_dim": 4}
    own, mlp = (
        blocks.SelfAttention(**sizes, kv_heads=2),
        blocks.Mlp(width=8, inner=16, activation="gelu"),
    )
    layers = blocks.Layers(2, own, mlp, cross=blocks.CrossAttention(**sizes))
    around = blocks.ResidualNorms(norm=blocks.NormSpec("layer_norm"), width=8, norms=3)
    run = Pass(batch=1, queries=3, keys=3, head_rows=3, memory=5)
    ops = list(layers.ops(Site("decoder"), run, around))
    parts = dict.fromkeys(op.component.split("/")[1] for op in ops)
    assert list(parts) == ["norm", "attention", "cross_attention", "mlp"]
    assert [op.component for op in ops].count("decoder/norm") == 3 * 2  # norms and additions


@given(small, small, st.integers(0, 9), small)
def test_relative_positions_are_looked_up_for_each_pair_of_each_step(heads, ranges, past, steps):
    block = blocks.RelativePositions(heads, ranges)
    run = decode_passes(batch=2, context=past, steps=steps)
    (op,) = block.ops(Site("a", layers=7, steps=steps), run)
    found = priced([op])
    assert op.tokens == sum(past + 1 + step for step in range(steps))
    assert found.footprint.total_weight_bytes == 4 * heads * ranges
    assert block.held(run) == heads * (past + steps)


def test_sinusoids_are_added_without_weights():
    plain = blocks.Embeddings(vocabulary=9, width=4)
    run = prefill_pass(batch=2, context=3, head_rows=1)
    one, other = (
        priced(each.ops(Site("a"), run)) for each in (plain, attrs.evolve(plain, sinusoids=True))
    )
    assert other.cost.vector_flops - one.cost.vector_flops == 2 * 3 * 4
    assert other.footprint.total_weight_bytes == one.footprint.total_weight_bytes
