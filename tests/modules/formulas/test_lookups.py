"""The formulas of weighted bags against products that torch counts."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import flopbench

sizes = st.integers(1, 7)


def bag(mode="sum"):
    return nn.EmbeddingBag(11, 5, mode=mode, device="meta")


def ids(bags, samples):
    return torch.zeros(bags, samples, dtype=torch.long, device="meta")


def weights(bags, samples):
    return torch.empty(bags, samples, device="meta", requires_grad=True)


@given(bags=sizes, samples=sizes)
def test_a_weighted_bag_is_a_product_of_weights_and_rows(bags, samples):
    product = flopbench.count(
        torch.bmm,
        torch.empty(bags, 1, samples, device="meta"),
        torch.empty(bags, samples, 5, device="meta"),
    )
    given_weights = weights(bags, samples)
    found = flopbench.count(bag(), ids(bags, samples), per_sample_weights=given_weights)
    assert found.by_op == {"aten._embedding_bag": product.flops}


@given(bags=sizes, samples=sizes)
def test_the_gradient_of_the_weights_is_one_more_product(bags, samples):
    frozen = bag().requires_grad_(requires_grad=False)
    found = flopbench.count(
        frozen, ids(bags, samples), per_sample_weights=weights(bags, samples), backward=True
    )
    assert found.by_phase == {"forward": 2 * bags * samples * 5, "backward": 2 * bags * samples * 5}


@given(bags=sizes, samples=sizes)
def test_the_gradients_of_table_and_weights_are_two_products(bags, samples):
    found = flopbench.count(
        bag(), ids(bags, samples), per_sample_weights=weights(bags, samples), backward=True
    )
    assert found.by_phase["backward"] == 2 * found.by_phase["forward"]


def test_a_dense_gradient_is_counted_however_it_is_asked_for():
    rows, indices = torch.empty(3, 5, device="meta"), ids(3, 4).flatten()
    table = (torch.empty(0, device="meta", dtype=torch.long),) * 3
    dense = torch.ops.aten._embedding_bag_dense_backward
    for given_weights, flops in ((torch.empty(12, device="meta"), 2 * 12 * 5), (None, 0)):
        found = flopbench.count(dense, rows, indices, *table, 11, False, 0, given_weights)
        assert found.flops == flops


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_a_bag_without_weights_multiplies_nothing(mode):
    found = flopbench.count(bag(mode), ids(3, 4))
    assert (found.work, found.uncounted, found.complete) == ((), (), True)
