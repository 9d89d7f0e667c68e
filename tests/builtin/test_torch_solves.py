"""Own formulas of solves, against a loop that counts what it does."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from flopbench import VendorCall
from flopbench.builtin.torch_counter import TorchCounter
from flopbench.builtin.torch_solves import FORMULAS, described, solves
from flopbench.dims.forms import symbol
from flopbench.modules.formulas import own_formulas
from support.substitution import substituted

sizes, flags = st.integers(1, 6), st.booleans()
SOLVE = "aten.linalg_solve_triangular"


def empty(*shape, **options):
    return torch.empty(*shape, device="meta", **options)


def by_op(run, counter=None):
    """Return what the torch counter counts of a function, by op."""
    count = (counter or TorchCounter()).count(VendorCall(nn.Module(), run))
    return {each.op: each.flops for each in count.counted}, [each.op for each in count.uncounted]


def system(n, columns, upper):
    """Return a matrix and right sides whose every number matters to the solution."""
    torch.manual_seed(n * 7 + columns)
    matrix = torch.rand(n, n, dtype=torch.float64) + n * torch.eye(n, dtype=torch.float64)
    matrix = matrix.triu() if upper else matrix.tril()
    return matrix, torch.rand(n, columns, dtype=torch.float64)


@given(n=sizes, columns=sizes, upper=flags, unit=flags)
def test_a_loop_that_solves_it_does_as_many_flops(n, columns, upper, unit):
    matrix, right = system(n, columns, upper)
    found, flops = substituted(matrix.tolist(), right.tolist(), upper=upper, unit=unit)
    options = {"upper": upper, "unitriangular": unit}
    really = torch.linalg.solve_triangular(matrix, right, **options)
    torch.testing.assert_close(torch.tensor(found, dtype=torch.float64), really)
    solve = torch.linalg.solve_triangular
    assert by_op(lambda: solve(empty(n, n), empty(n, columns), **options)) == ({SOLVE: flops}, [])


@pytest.mark.filterwarnings("ignore:torch.triangular_solve is deprecated")
@given(n=sizes, columns=sizes, upper=flags, unit=flags, transposed=flags)
def test_the_older_op_takes_the_right_side_first(n, columns, upper, unit, transposed):
    matrix, right = system(n, columns, upper)
    found, flops = substituted(
        (matrix.T if transposed else matrix).tolist(),
        right.tolist(),
        upper=upper != transposed,
        unit=unit,
    )
    args = {"upper": upper, "transpose": transposed, "unitriangular": unit}
    really = torch.triangular_solve(right, matrix, **args)[0]
    torch.testing.assert_close(torch.tensor(found, dtype=torch.float64), really)
    counted = by_op(lambda: torch.triangular_solve(empty(n, columns), empty(n, n), **args))
    assert counted == ({"aten.triangular_solve": flops}, [])


@given(n=sizes, rows=sizes, unit=flags)
def test_a_system_from_the_right_has_a_row_for_a_column(n, rows, unit):
    matrix, right = system(n, rows, upper=False)
    # X A = B is A' X' = B'.
    found, flops = substituted(matrix.T.tolist(), right.tolist(), upper=True, unit=unit)
    options = {"upper": False, "left": False, "unitriangular": unit}
    really = torch.linalg.solve_triangular(matrix, right.T, **options)
    torch.testing.assert_close(torch.tensor(found, dtype=torch.float64).T, really)
    solve = torch.linalg.solve_triangular
    assert by_op(lambda: solve(empty(n, n), empty(rows, n), **options))[0] == {SOLVE: flops}


@given(batch=sizes, heads=sizes, n=sizes, columns=sizes)
def test_systems_are_as_many_as_both_operands_broadcast_to(batch, heads, n, columns):
    _, one = substituted([[1.0] * n] * n, [[1.0] * columns] * n)
    solve = torch.linalg.solve_triangular
    operands = empty(1, heads, n, n), empty(batch, 1, n, columns)
    assert by_op(lambda: solve(*operands, upper=True))[0] == {SOLVE: batch * heads * one}


@given(n=sizes, columns=sizes, upper=flags)
def test_a_factored_system_is_two_triangular_ones(n, columns, upper):
    factor, right = system(n, columns, upper)
    lower = factor.T if upper else factor
    between, first = substituted(lower.tolist(), right.tolist())
    found, second = substituted(lower.T.tolist(), between, upper=True)
    really = torch.cholesky_solve(right, factor, upper)
    torch.testing.assert_close(torch.tensor(found, dtype=torch.float64), really)
    counted, _ = by_op(lambda: torch.cholesky_solve(empty(n, columns), empty(n, n)))
    assert counted == {"aten.cholesky_solve": first + second}


@given(n=sizes, columns=sizes)
def test_the_lower_factor_of_an_lu_has_a_unit_diagonal(n, columns):
    lower, right = system(n, columns, upper=False)
    both = lower + system(n, columns, upper=True)[0]
    between, first = substituted(both.tolist(), right.tolist(), unit=True)
    found, second = substituted(both.tolist(), between, upper=True)
    pivots = torch.arange(1, n + 1, dtype=torch.int32)
    really = torch.linalg.lu_solve(both, pivots, right)
    torch.testing.assert_close(torch.tensor(found, dtype=torch.float64), really)
    pivots = empty(n, dtype=torch.int32)
    counted, _ = by_op(lambda: torch.linalg.lu_solve(empty(n, n), pivots, empty(n, columns)))
    assert counted == {"aten.linalg_lu_solve": first + second}


class Solves(nn.Module):
    def __init__(self, n, columns):
        super().__init__()
        self.matrix = nn.Parameter(empty(n, n))
        self.right = nn.Parameter(empty(n, columns))

    def forward(self):
        return torch.linalg.solve_triangular(self.matrix, self.right, upper=True)


@pytest.mark.parametrize(("of_matrix", "of_right"), [(True, True), (True, False), (False, True)])
def test_the_backward_is_a_solve_and_a_product(of_matrix, of_right):
    module = Solves(4, 7)
    module.matrix.requires_grad_(of_matrix)
    module.right.requires_grad_(of_right)

    def step():
        with torch.enable_grad():
            module().sum().backward()

    product = {"aten.mm": 2 * 4 * 7 * 4} if of_matrix else {}
    assert by_op(step) == ({SOLVE: 2 * 7 * 4**2, **product}, [])


def test_torch_alone_leaves_them_uncounted():
    def run():
        torch.linalg.solve_triangular(empty(4, 4), empty(4, 7), upper=True)
        return empty(2, 3) @ empty(3, 5)

    counter = TorchCounter()
    assert by_op(run, counter) == ({SOLVE: 7 * 16, "aten.mm": 60}, [])
    alone = counter.without_own_formulas()
    assert by_op(run, alone) == ({"aten.mm": 60}, [SOLVE])
    with FlopCounterMode(display=False) as torchs:
        run()
    assert torchs.get_total_flops() == 60
    assert counter.convention.sees - alone.convention.sees == {"triangular_solve"}


def test_each_is_described_shared_and_of_an_op_that_torch_has_no_formula_for():
    assert {str(op) for op in solves()} == {f"aten.{name}" for name in FORMULAS}
    assert not solves().keys() & flop_registry.keys()
    assert solves().keys() <= own_formulas().keys()
    assert [each.op for each in described()] == [str(op) for op in solves()]
    assert TorchCounter().own_formulas()[: len(described())] == described()
    assert TorchCounter().without_own_formulas().own_formulas() == ()


def test_a_call_may_solve_while_it_is_prepared_with_symbols():
    rows = symbol("B", 2)
    solve = torch.linalg.solve_triangular

    def prepare(sizes):
        state = solve(empty(sizes["B"], 4, 4), empty(1, 4, 7), upper=True)
        return VendorCall(nn.Module(), lambda: solve(empty(1, 4, 4), state, upper=True))

    trace = TorchCounter().trace(prepare, {rows: 3})
    assert trace.flops == {("", SOLVE): 7 * 16 * rows}
    assert (trace.guards, trace.bound) == ((), {})
