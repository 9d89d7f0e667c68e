"""The gradients of convolutions in groups: an own formula in the place of torch's."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from flopbench import VendorCall
from flopbench.builtin.torch_convolutions import IN_GROUPS
from flopbench.builtin.torch_counter import TorchAlone, TorchCounter
from flopbench.training_step import Phase

SMALL = st.integers(1, 4)
PLAIN = "aten.convolution_backward"


def counted(counter, groups, width, kernel, tokens, batch):
    """Count the backward of a convolution with ``width`` channels in and out of each group."""
    layer = torch.nn.Conv1d(groups * width, groups * width, kernel, groups=groups, device="meta")
    x = torch.empty(batch, groups * width, tokens + kernel - 1, device="meta", requires_grad=True)
    found = counter.count(VendorCall(layer, lambda: layer(x), phase=Phase.BACKWARD)).counted
    return {each.op: each.flops for each in found}


def macs(groups, width, kernel, tokens, batch):
    """Count pairs of an input and an output that a weight joins, one by one."""
    return sum(
        1
        for _ in range(batch * tokens)
        for _group in range(groups)
        for _out in range(width)
        for _in in range(width)
        for _tap in range(kernel)
    )


@given(st.tuples(st.integers(2, 5), SMALL, SMALL, SMALL, SMALL))
def test_either_gradient_multiplies_each_pair_once(sizes):
    assert counted(TorchCounter(), *sizes) == {IN_GROUPS: 2 * 2 * macs(*sizes)}


@given(st.tuples(SMALL, SMALL, SMALL, SMALL))
def test_without_groups_torchs_own_formula_is_used(sizes):
    assert counted(TorchCounter(), 1, *sizes) == {PLAIN: 2 * 2 * macs(1, *sizes)}


@pytest.mark.parametrize("groups", [2, 64])
def test_torch_alone_keeps_its_number(groups):
    """It takes the filters' gradient for that of one group: ``groups`` times too much."""
    sizes = (groups, 1, 4, 10, 1)
    alone = counted(TorchAlone(), *sizes)[PLAIN]
    assert alone == 2 * macs(*sizes) * (1 + groups)
