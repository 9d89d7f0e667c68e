"""Results that are not worked out again are those that torch gives."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from flopbench.builtin.torch_results import Results

ATEN = torch.ops.aten
DTYPES = (torch.float32, torch.bfloat16, torch.int64, torch.bool, torch.complex64)
BINARY = (ATEN.mul.Tensor, ATEN.add.Tensor, ATEN.div.Tensor, ATEN.gt.Tensor, ATEN.maximum.default)
UNARY = (ATEN.exp.default, ATEN.neg.default, ATEN.clone.default, ATEN.logical_not.default)


@st.composite
def tensors(draw):
    """Draw a meta tensor: dense, transposed, sliced or expanded."""
    shape = draw(st.lists(st.sampled_from((1, 3, 4)), min_size=2, max_size=3))
    made = torch.empty(shape, dtype=draw(st.sampled_from(DTYPES)), device="meta")
    ways = (lambda x: x, lambda x: x.mT, lambda x: x[..., :1], lambda x: x.expand(4, *x.shape))
    return draw(st.sampled_from(ways))(made)


@st.composite
def calls(draw):
    """Draw a call of an elementwise op on tensors, or on a tensor and a number."""
    if draw(st.booleans()):
        return draw(st.sampled_from(UNARY)), (draw(tensors()),)
    other = draw(tensors() | st.sampled_from((2, 2.0, True, 1j)))
    return draw(st.sampled_from(BINARY)), (draw(tensors()), other)


def made(op, args):
    """Run an op; return what tells its result from another, or its error's type."""
    try:
        out = op(*args)
    except (RuntimeError, TypeError) as error:
        return type(error)
    return out.shape, out.stride(), out.dtype, out.device.type, out.is_conj(), out.is_neg()


@settings(max_examples=100, deadline=None)
@given(st.lists(calls(), min_size=1, max_size=6))
def test_known_results_are_what_torch_makes(drawn):
    results = Results()
    for op, args in (*drawn, *drawn):
        assert made(lambda *given, op=op: results.of(op, given, {}), args) == made(op, args)


class Seeing(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.ops = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.ops.append(str(func))
        return func(*args, **(kwargs or {}))


def ops_of(op, *calls_, **kwargs):
    """Return what runs when an op is asked for its results."""
    results = Results()
    with Seeing() as seen:
        found = [results.of(op, args, kwargs) for args in calls_]
    return seen.ops, found


def test_an_elementwise_op_is_run_once_and_each_result_is_a_tensor_of_its_own():
    x = torch.empty(3, 4, device="meta")
    ops, (one, other) = ops_of(ATEN.mul.Tensor, (x, 2.0), (torch.empty_like(x), 2.0))
    assert ops.count("aten.mul.Tensor") == 1
    assert one is not other
    assert one.untyped_storage()._cdata != other.untyped_storage()._cdata


@pytest.mark.parametrize("default", [torch.float32, torch.float64])
def test_the_dtype_that_torch_makes_by_default_tells_results_apart(default):
    results, x = Results(), torch.empty(3, dtype=torch.int64, device="meta")
    results.of(ATEN.mul.Tensor, (x, 2.0), {})
    before = torch.get_default_dtype()
    torch.set_default_dtype(default)
    try:
        assert results.of(ATEN.mul.Tensor, (x, 2.0), {}).dtype is default
    finally:
        torch.set_default_dtype(before)


def real():
    return ATEN.mul.Tensor, (torch.ones(3), 2.0)


def a_view():
    return ATEN.expand.default, (torch.empty(1, 3, device="meta"), (4, 3))


def in_place():
    return ATEN.mul_.Tensor, (torch.empty(3, device="meta"), 2.0)


def random():
    return ATEN.rand_like.default, (torch.empty(3, device="meta"),)


@pytest.mark.parametrize("call", [real, a_view, in_place, random])
def test_what_shapes_alone_do_not_tell_is_run_each_time(call):
    op, args = call()
    ops, _ = ops_of(op, args, args)
    assert ops == [str(op)] * 2


def test_real_values_are_computed():
    (one, two) = ops_of(ATEN.mul.Tensor, (torch.ones(2), 2.0), (torch.full((2,), 3.0), 2.0))[1]
    assert (one.tolist(), two.tolist()) == ([2, 2], [6, 6])
