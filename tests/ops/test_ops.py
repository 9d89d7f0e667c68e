"""Each op's price against torch's own count, or against its definition."""

import attrs
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from flopbench.errors import DimError
from flopbench.ops import (
    Conv2d,
    Elementwise,
    Embedding,
    ExpertLinear,
    Linear,
    MatMul,
    Norm,
    Rope,
    Softmax,
)

sizes = st.integers(1, 12)
CONVENTIONS = Conventions()


def counted(run):
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


def empty(*shape):
    return torch.empty(*shape, device="meta")


def visible(op):
    """What torch's counter sees of one operation."""
    return price([op], Eager(), Eager(), CONVENTIONS).torch_visible_flops


@given(sizes, sizes, sizes, st.booleans())
def test_a_linear_layer(rows, in_features, out_features, bias):
    op = Linear(
        component="c", rows=rows, in_features=in_features, out_features=out_features, bias=bias
    )
    offset = empty(out_features) if bias else None
    weight = empty(out_features, in_features)
    seen = counted(lambda: functional.linear(empty(rows, in_features), weight, offset))
    cost = op.cost(CONVENTIONS)
    assert cost.tensor_flops == visible(op) == seen
    assert cost.vector_flops == (rows * out_features if bias else 0)


@given(sizes, sizes, sizes, sizes)
def test_a_batched_product(batch, m, k, n):
    op = MatMul(component="c", batch=batch, m=m, k=k, n=n)
    assert visible(op) == counted(lambda: empty(batch, m, k) @ empty(batch, k, n))


@given(sizes, sizes, sizes, st.integers(2, 6))
def test_a_routed_product_is_one_row_per_pair_of_token_and_expert(
    tokens, in_features, out_features, experts
):
    op = ExpertLinear(
        component="c",
        rows=tokens,
        in_features=in_features,
        out_features=out_features,
        experts=experts,
    )
    selected = empty(tokens, out_features, in_features)
    seen = counted(lambda: torch.bmm(selected, empty(tokens, in_features, 1)))
    assert visible(op) == seen


@given(sizes, sizes, sizes, st.sampled_from([1, 3, 5]), st.integers(6, 12), st.integers(1, 2))
def test_a_convolution(batch, in_channels, out_channels, kernel, side, stride):
    out = (side - kernel + 2 * (kernel // 2)) // stride + 1
    op = Conv2d(
        component="c",
        batch=batch,
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=kernel,
        in_height=side,
        in_width=side,
        out_height=out,
        out_width=out,
        bias=True,
    )
    pixels, weight = (
        empty(batch, in_channels, side, side),
        empty(out_channels, in_channels, kernel, kernel),
    )
    seen = counted(
        lambda: functional.conv2d(
            pixels, weight, empty(out_channels), stride=stride, padding=kernel // 2
        )
    )
    cost = op.cost(CONVENTIONS)
    assert cost.tensor_flops == visible(op) == seen
    assert cost.vector_flops == batch * out_channels * out * out


VECTOR_OPS = [
    (Norm(component="c", function="layer_norm", rows=3, width=5), "layer_norm", 15),
    (Norm(component="c", function="rms_norm", rows=3, width=5), "rms_norm", 15),
    (Softmax(component="c", scores=12), "softmax", 12),
    (Elementwise(component="c", function="gelu", outputs=7), "gelu", 7),
    (Elementwise(component="c", function="top_k", outputs=64), "top_k", 64),
    (Rope(component="c", tokens=2, heads=3, head_dim=4), "rope", 24),
]


@pytest.mark.parametrize(("op", "entry", "elements"), VECTOR_OPS, ids=lambda v: str(v)[:20])
@given(value=st.integers(0, 20))
def test_vector_work_is_elements_times_the_convention(op, entry, elements, value):
    conventions = attrs.evolve(CONVENTIONS, **{entry: value})
    cost = op.cost(conventions)
    assert (cost.tensor_flops, visible(op)) == (0, 0)
    assert cost.vector_flops == elements * value
    assert op.kind == entry


@given(sizes, sizes)
def test_layers_and_steps_multiply(layers, steps):
    one = Linear(component="c", rows=2, in_features=3, out_features=4, bias=True)
    many = attrs.evolve(one, layers=layers, steps=steps)
    assert many.cost(CONVENTIONS).flops == layers * steps * one.cost(CONVENTIONS).flops


def test_a_look_up_costs_no_flops():
    op = Embedding(component="c", tokens=5, width=6, entries=7)
    assert op.cost(CONVENTIONS).flops == 0


def test_bad_ops_are_refused():
    with pytest.raises(ValueError, match="function"):
        Elementwise(component="c", function="gellu", outputs=1)
    with pytest.raises(DimError):
        Linear(component="c", rows=1.5, in_features=1, out_features=1)
