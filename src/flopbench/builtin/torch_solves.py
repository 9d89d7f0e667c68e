"""Own formulas of solves by substitution, which torch's registry of formulas leaves out.

An element of the solution of a triangular system of n unknowns takes away, from the right side,
the products with the unknowns that are known before it: 0, 1, … n - 1 of them, (n - 1) / 2 on
average, 2 FLOPs each. Then it is divided by the diagonal, unless that is all ones. So the n
unknowns of a column take n (n - 1) FLOPs with a unit diagonal, and n^2 without (Golub and Van Loan,
Matrix Computations, 4th edition, section 3.1). The work depends on shapes alone: which triangle it
is, and whether it is transposed, only changes the order.

Decompositions (LU, QR, inverses) have no formula here: what they do depends on pivots, blocks and
the library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from itertools import zip_longest
from math import prod
from types import MappingProxyType
from typing import Any

from flopbench import OwnFormula

WHERE = "docs/conventions.md#own-formulas"


def solve_triangular(
    matrix: Any, _right: Any, *, unitriangular: bool = False, out_val: Any, **_: Any
) -> Any:
    """Return n - 1 FLOPs per element of the solution, n without a unit diagonal.

    The solution has the batch that both operands broadcast to. With ``left=False`` it solves
    X A = B: a row of X for a column.
    """
    return prod(out_val.shape) * _per_element(matrix.shape[-1], unit=unitriangular)


def triangular_solve(
    right: Any,
    matrix: Any,
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
    *,
    out_val: Any,
    **_: Any,
) -> Any:
    """Return what `solve_triangular` does: the older op, which also returns the matrix."""
    return solve_triangular(matrix, right, unitriangular=unitriangular, out_val=out_val[0])


def cholesky_solve(_right: Any, factor: Any, *_args: Any, out_val: Any, **_: Any) -> Any:
    """Return 2 n FLOPs per element of the solution: L L' X = B is solved for L, then for L'."""
    return prod(out_val.shape) * 2 * _per_element(factor.shape[-1], unit=False)


def lu_solve(lu: Any, _pivots: Any, _right: Any, *_args: Any, out_val: Any, **_: Any) -> Any:
    """Return 2 n - 1 FLOPs per element of the solution: L has a unit diagonal, and U has not."""
    n = lu.shape[-1]
    both = _per_element(n, unit=True) + _per_element(n, unit=False)
    return prod(out_val.shape) * both


def _per_element(n: Any, *, unit: bool) -> Any:
    """Return the FLOPs per unknown, on average over n: products, and the division."""
    return n - 1 if unit else n


FORMULAS: dict[str, Callable[..., Any]] = {
    "cholesky_solve": cholesky_solve,
    "linalg_lu_solve": lu_solve,
    "linalg_solve_triangular": solve_triangular,
    "triangular_solve": triangular_solve,
}
"""By the name of the op."""

_SAYS = {
    "cholesky_solve": "substitution, twice: 2 n^2 FLOPs per column of n unknowns",
    "linalg_lu_solve": "substitution, twice: n (n - 1) + n^2 FLOPs per column of n unknowns",
    "linalg_solve_triangular": (
        "substitution: n (n - 1) FLOPs per column of n unknowns with a unit diagonal, else n^2"
    ),
}
_SAYS["triangular_solve"] = _SAYS["linalg_solve_triangular"]


@cache
def solves() -> Mapping[Any, Callable[..., Any]]:
    """Return the formulas by op, for the ops that this torch has no formula for."""
    import torch
    from torch.utils.flop_counter import flop_registry

    found = {}
    for name, formula in FORMULAS.items():
        op = getattr(torch.ops.aten, name, None)
        if op is not None and op not in flop_registry:
            found[op] = formula
    return MappingProxyType(found)


def shaped() -> dict[Any, Callable[..., Any]]:
    """Return solves that compute shapes alone, by overload, in place of torch's on symbolic sizes.

    Torch's kernels of shapes (2.13) expand an operand in a way that takes plain ints alone.
    """
    import torch

    aten = torch.ops.aten
    return {
        aten.cholesky_solve.default: lambda right, factor, *_: _solution(factor, right),
        aten.linalg_solve_triangular.default: lambda matrix, right, **_: _solution(matrix, right),
    }


def _solution(matrix: Any, right: Any) -> Any:
    """Return a tensor of the shape of the solution: both batches, and the sizes of B."""
    either = zip_longest(reversed(matrix.shape[:-2]), reversed(right.shape[:-2]), fillvalue=1)
    batch = [_broadcast(*sizes) for sizes in either]
    return right.new_empty((*reversed(batch), *right.shape[-2:]))


def _broadcast(a: Any, b: Any) -> Any:
    """Return the size that two are broadcast to; of sizes that are the same, nothing is assumed."""
    if type(a) is int and a == 1:
        return b
    if (type(b) is int and b == 1) or a == b:
        return a
    return b if a == 1 else a


def described() -> tuple[OwnFormula, ...]:
    """Return what the formulas say, and where that is documented."""
    return tuple(
        OwnFormula(op=str(op), formula=_SAYS[str(op).rpartition(".")[2]], where=WHERE)
        for op in solves()
    )
