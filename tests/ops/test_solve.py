"""A triangular solve: what it costs, and what its backward does."""

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from flopbench import VendorCall
from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.builtin.torch_counter import TorchCounter
from flopbench.conventions import Conventions
from flopbench.ops import OWN_VISIBLE, TORCH_VISIBLE, Needs, TriangularSolve
from support.substitution import substituted

sizes = st.integers(1, 6)
PLACE = {"component": "decoder/mixer", "layers": 3, "role": "delta"}


def same(tensor):
    return tensor


def solve(**sizes):
    return TriangularSolve(**PLACE, **sizes)


@given(batch=sizes, n=sizes, columns=sizes, unit=st.booleans())
def test_it_takes_what_a_loop_takes(batch, n, columns, unit):
    _, one = substituted([[1.0] * n] * n, [[1.0] * columns] * n, unit=unit)
    op = solve(batch=batch, n=n, columns=columns, unit_diagonal=unit)
    assert op.tensor_flops() == batch * one
    cost = op.cost(Conventions(), "float32")
    assert (cost.tensor_flops, cost.vector_flops) == (3 * batch * one, 0)
    assert cost.activation_bytes_read == 3 * batch * 4 * (n * n + n * columns)
    assert cost.activation_bytes_written == 3 * batch * 4 * n * columns


def test_sizes_may_be_arrays_or_symbols():
    batch, n, columns = sympy.symbols("b n m", integer=True, positive=True)
    form = solve(batch=batch, n=n, columns=columns).tensor_flops()
    assert sympy.expand(form - batch * columns * n**2) == 0
    many = np.arange(1, 50)
    found = solve(batch=many, n=4, columns=many, unit_diagonal=True).tensor_flops()
    assert (found == many**2 * 12).all()


@pytest.mark.parametrize("unit", [True, False])
@pytest.mark.parametrize("needed", [(True, True), (True, False), (False, True)])
def test_its_backward_is_autograds(needed, unit):
    matrix, right = (
        nn.Parameter(torch.empty(*shape, device="meta"), needs)
        for shape, needs in zip(((2, 4, 4), (2, 4, 7)), needed, strict=True)
    )
    kept = []

    def step():
        with torch.enable_grad():
            with torch.autograd.graph.saved_tensors_hooks(lambda t: (kept.append(t), t)[1], same):
                found = torch.linalg.solve_triangular(matrix, right, upper=True, unitriangular=unit)
            found.sum().backward()

    counted = TorchCounter().count(VendorCall(nn.Module(), step))
    op = solve(batch=2, n=4, columns=7, unit_diagonal=unit)
    backward = list(op.backward(Needs(needed)))
    products = sum(each.flops for each in counted.counted if "solve" not in each.op)
    solves = sum(each.flops for each in counted.counted if "solve" in each.op)
    assert sum(o.tensor_flops() for o in backward if o.kind == "matmul") == products
    alone = [o.tensor_flops() for o in backward if o.kind == "triangular_solve"]
    assert op.tensor_flops() + sum(alone) == solves
    assert {(o.component, o.layers, o.role) for o in backward} == {tuple(PLACE.values())}
    keeps = [(each.elements, each.operand, each.result) for each in op.keeps(Needs(needed))]
    assert keeps == [(32, 0, False), (56, None, True)][: 1 + needed[0]]
    assert {elements for elements, *_ in keeps} <= {tensor.numel() for tensor in kept}


def test_nothing_needed_nothing_done():
    op, none = solve(batch=2, n=4, columns=7), Needs((False, False))
    assert [*op.backward(none), *op.keeps(none)] == []


def test_only_own_formulas_see_it():
    priced = price([solve(batch=2, n=4, columns=7)], Eager(), Eager(), Conventions())
    assert priced.torch_visible_flops == 0
    assert dict(priced.seen(TORCH_VISIBLE | OWN_VISIBLE)) == {"decoder/mixer": 3 * 2 * 7 * 16}
    sees = TorchCounter.convention.sees
    assert sees == TORCH_VISIBLE | OWN_VISIBLE
