"""The largest tensor that ops make: its shape, dtype and bytes."""

import math

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash
from flopbench.conventions import Conventions
from flopbench.ops import Attention, Conv2d, Linear, Norm
from flopbench.testing.strategies import attentions

GIB = 2**30


def footprint(ops, mode=None, dtype="bfloat16"):
    return price(ops, mode or Eager(), Eager(), Conventions(), dtype).footprint


def attention(tokens, **options):
    sizes = {"heads": 16, "kv_heads": 16, "head_dim": 72, "value_dim": 72, "queries": tokens}
    return Attention(component="vision/core", batch=1, keys=tokens, **(sizes | options))


def test_the_softmax_of_a_large_page_of_hunyuan_ocr():
    """A page of 2,550 x 3,301 pixels is 160 x 206 patches; torch asked for 64.75 GiB at once.

    Source: the issue "out of memory" of github.com/Tencent-Hunyuan/HunyuanOCR.
    """
    tokens = 2560 // 16 * (3296 // 16)
    largest = footprint([attention(tokens)]).largest_tensor
    assert f"{largest.bytes / GIB:.2f} GiB" == "64.75 GiB"
    assert (largest.name, largest.dtype) == ("attention probabilities", "float32")
    assert largest.shape == (1, 16, 32_960, 32_960)


@pytest.mark.parametrize(
    ("options", "name", "bytes_each"),
    [
        ({"softmax_dtype": None}, "attention scores", 2),
        ({"softmax_dtype": "float64"}, "attention probabilities", 8),
    ],
)
def test_a_softmax_in_another_type(options, name, bytes_each):
    largest = footprint([attention(300, **options)]).largest_tensor
    assert (largest.name, largest.bytes) == (name, 16 * 300 * 300 * bytes_each)


@given(attentions(), st.integers(1, 5))
def test_one_by_one_costs_the_same_and_makes_the_tensors_of_one(op, batch):
    once = attrs.evolve(op, batch=batch)
    apart = attrs.evolve(once, one_by_one=True)
    costs = [price([each], Eager(), Eager(), Conventions(), "bfloat16") for each in (once, apart)]
    sums = [(c.cost.flops, c.cost.vector_flops, c.cost.bytes_moved) for c in costs]
    assert sums[0] == sums[1]
    one = footprint([attrs.evolve(op, batch=1)])
    assert costs[1].footprint.largest_tensor == one.largest_tensor
    # The others wait as inputs.
    held = costs[1].footprint.peak_activation_bytes
    assert one.peak_activation_bytes <= held <= costs[0].footprint.peak_activation_bytes


def test_fused_attention_makes_no_scores():
    largest = footprint([attention(300)], Flash()).largest_tensor
    assert (largest.name, largest.shape) == ("attention outputs", (1, 16, 300, 72))


def test_keys_are_copied_to_all_heads_of_a_group():
    op = attention(300, kv_heads=2, queries=1, causal=True, cached=True)
    assert footprint([op]).largest_tensor.shape == (1, 16, 300, 72)


def test_shapes_by_kind():
    linear = Linear(component="decoder/lm_head", rows=3, in_features=4, out_features=7)
    convolution = Conv2d(
        component="c", batch=2, in_channels=1, out_channels=5, kernel_size=1,
        in_height=3, in_width=4, out_height=3, out_width=4,
    )  # fmt: skip
    norm = Norm(component="n", function="rms_norm", rows=6, width=8)
    found = [footprint([op]).largest_tensor for op in (linear, convolution, norm)]
    assert [(f.name, f.shape, f.dtype) for f in found] == [
        ("logits", (3, 7), "bfloat16"),
        ("conv2d", (2, 5, 3, 4), "bfloat16"),
        ("rms_norm", (6, 8), "float32"),
    ]


def test_an_op_without_copies_makes_nothing():
    sizes = {"component": "c", "in_features": 3, "out_features": 5}
    small, large = Linear(rows=1, **sizes), Linear(rows=100, layers=0, **sizes)
    assert footprint([small, large]).largest_tensor.shape == (1, 5)
    assert footprint([]).largest_tensor is None


def test_stages_after_each_other_make_the_larger_one():
    sizes = {"component": "c", "in_features": 3, "out_features": 5}
    one, other = (footprint([Linear(rows=rows, **sizes)]) for rows in (1, 7))
    assert one.then(other).largest_tensor == other.largest_tensor == other.then(one).largest_tensor


@given(attentions(), st.sampled_from([Eager(), Flash()]), st.sampled_from(["float32", "bfloat16"]))
def test_its_bytes_are_those_of_its_shape(op, mode, dtype):
    held = footprint([op], mode, dtype)
    largest, each = held.largest_tensor, {"float32": 4, "bfloat16": 2}
    assert largest.bytes == math.prod(largest.shape) * each[largest.dtype]
    assert largest.bytes == held.largest_tensor_bytes


def test_of_arrays_each_point_has_its_own():
    tokens = np.array([1, 40, 700])
    ops = [
        attention(tokens),
        Linear(component="mlp", rows=tokens, in_features=72, out_features=5000),
    ]
    alone = [
        footprint(
            [attention(n), Linear(component="mlp", rows=n, in_features=72, out_features=5000)]
        ).largest_tensor
        for n in tokens.tolist()
    ]
    assert footprint(ops).largest_tensor_bytes.tolist() == [found.bytes for found in alone]
    assert [found.name for found in alone] == ["linear", "linear", "attention probabilities"]
