"""Mixers side by side, and transformer blocks that layers share."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopbench.blocks import (
    AfterShared,
    Branch,
    GatedMlp,
    Mamba,
    NormSpec,
    Pass,
    SelfAttention,
    SharedTransformer,
    SideBySide,
    Site,
)
from flopbench.ops import Elementwise, Linear, PricedOp

RMS = NormSpec("rms_norm")
RUN = Pass(batch=2, queries=5, keys=5, head_rows=1)
ATTENTION = SelfAttention(width=8, heads=2, kv_heads=2, head_dim=4)
MAMBA = Mamba(width=8, inner=16, state_size=3, rank=2, kernel=4)
SHARED = SharedTransformer(
    width=8,
    norm=RMS,
    attention=attrs.evolve(ATTENTION, width=16, out_width=8),
    mlp=GatedMlp(width=8, inner=12, fused=True),
)


def ops_of(block):
    return [*block.ops(Site("decoder"), RUN)]


def held(ops):
    found = [op for op in ops if not op.weights_shared]
    return sum(op.layers * op.weights() for op in found)


@given(before=st.booleans(), after=st.booleans())
def test_branches_are_as_they_are_alone_and_added(before, after):
    branch = Branch(mixer=ATTENTION, scaled_before=before, scaled_after=after)
    both = ops_of(SideBySide(width=8, branches=(Branch(mixer=MAMBA), branch)))
    alone = [*ATTENTION.ops(Site("decoder/attention"), RUN)]
    alone += [*MAMBA.ops(Site("decoder/recurrence"), RUN)]
    extra = [op for op in both if isinstance(op, Elementwise) and op.outputs == 2 * 5 * 8]
    extra = [op.function for op in extra if op.component == "decoder/attention"]
    assert len(both) == len(alone) + 1 + before + after
    assert sorted(extra) == ["add", *["multiply"] * (before + after)]
    assert {op.component for op in both} == {op.component for op in alone} | {"decoder/attention"}


def test_a_block_that_is_used_again_holds_its_linear_layer_alone():
    first, again = ops_of(SHARED), ops_of(attrs.evolve(SHARED, reused=True))
    assert held(again) == 8 * 8
    assert held(first) == 8 * 8 + 16 + 3 * 16 * 8 + 8 * 8 + 8 + 3 * 8 * 12
    read = [
        sum(op.weights_read() for op in ops if isinstance(op, Linear)) for ops in (first, again)
    ]
    assert read[0] == read[1] > 0


@pytest.mark.parametrize(("attends", "adapted"), [(False, 1), (True, 4)])
def test_each_use_has_adapters_of_its_own(attends, adapted):
    block = attrs.evolve(SHARED, adapter_rank=3, adapts_attention=attends, reused=True)
    ops = ops_of(block)
    low = [op for op in ops if op.role.endswith("_adapter_in")]
    assert len(low) == adapted
    assert all(op.out_features == 3 and not op.weights_shared for op in low)
    assert held(ops) == 8 * 8 + 3 * (8 + 24) + attends * 3 * 3 * (16 + 8)


def test_a_mixer_after_a_shared_block_works_on_its_sum_with_the_residual():
    block = AfterShared(width=8, norm=RMS, transformer=SHARED, mixer=MAMBA)
    ops = ops_of(block)
    sums = [op for op in ops if isinstance(op, PricedOp) and op.gives == "sum"]
    (norm,) = (op for op in ops if op.takes == ("sum",))
    assert [op.function for op in sums] == ["add"]
    assert ops.index(sums[0]) < ops.index(norm) < len(ops) - 1
