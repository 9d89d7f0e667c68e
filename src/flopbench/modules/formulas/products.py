"""Formulas of products of matrices and vectors.

Each follows from the shapes in the op's definition (https://docs.pytorch.org/docs/stable/torch.html)
unless it says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from flopbench.conventions import MAC_FLOPS


def matrix_vector(matrix: Any, _vector: Any, **_: Any) -> Any:
    """Return 2 m k for [m, k] x [k]: each element of the matrix is used once."""
    return MAC_FLOPS * prod(matrix.shape)


def plus_matrix_vector(_added: Any, matrix: Any, vector: Any, **_: Any) -> Any:
    """Return 2 m k for [m] + [m, k] x [k]."""
    return matrix_vector(matrix, vector)


def dot(vector: Any, _other: Any, **_: Any) -> Any:
    """Return 2 n for [n] x [n]."""
    return MAC_FLOPS * prod(vector.shape)


def plus_outer(_added: Any, column: Any, row: Any, **_: Any) -> Any:
    """Return 2 m n for [m, n] + [m] x [n]: a product with an inner size of 1."""
    return MAC_FLOPS * prod(column.shape) * prod(row.shape)


def product(a: Any, b: Any, *_args: Any, **_: Any) -> Any:
    """Return 2 m k n for [m, k] x [k, n].

    Two numbers of 4 bits may share an element, along k.
    """
    m, k = a.shape
    per_element = 2 if str(a.dtype).endswith("_x2") else 1
    return MAC_FLOPS * m * k * per_element * b.shape[1]


def plus_product(_added: Any, a: Any, b: Any, *_args: Any, **_: Any) -> Any:
    """Return 2 m k n for [m, n] + [m, k] x [k, n], in place or with an activation."""
    return product(a, b)


def plus_products(_added: Any, a: Any, b: Any, **_: Any) -> Any:
    """Return 2 b m k n for [b, m, k] x [b, k, n], added up over b or not."""
    return MAC_FLOPS * prod(a.shape) * b.shape[2]


def products(a: Sequence[Any], b: Sequence[Any], **_: Any) -> Any:
    """Return the sum of 2 m k n over a list of products."""
    return sum(product(*pair) for pair in zip(a, b, strict=True))


def grouped_product(a: Any, b: Any, *_args: Any, **_: Any) -> Any:
    """Return 2 g m k n, where one of m, k and n may be split among the g groups.

    A matrix without a dimension of groups is ragged: its rows or columns are those of one group
    after the other, so each takes part in one product. All are taken to belong to a group.
    """
    groups = a.shape[0] if a.dim() == b.dim() == 3 else 1  # noqa: PLR2004
    m, k = a.shape[-2:]
    per_element = 2 if str(a.dtype).endswith("_x2") else 1
    return MAC_FLOPS * groups * m * k * per_element * b.shape[-1]


def product_with_packed(rows: Any, *_args: Any, out_val: Any, **_: Any) -> Any:
    """Return 2 m k n for [m, k] x a weight in a layout of its own; n is that of the result."""
    return MAC_FLOPS * prod(rows.shape) * out_val.shape[-1]


def distances(points: Any, _others: Any, *, out_val: Any, **_: Any) -> Any:
    """Return 2 p r (d + 2): |x - y|^2 = [-2 x, |x|^2, 1] . [y, 1, |y|^2], for all pairs."""
    return MAC_FLOPS * prod(out_val.shape) * (points.shape[-1] + 2)


def affine_grid(theta: Any, *_args: Any, out_val: Any, **_: Any) -> Any:
    """Return 2 (d + 1) per coordinate of the grid: theta [d, d + 1] times each [point, 1]."""
    return MAC_FLOPS * prod(out_val.shape) * theta.shape[2]


def trilinear(
    i1: Any,
    i2: Any,
    i3: Any,
    expand1: Sequence[int],
    expand2: Sequence[int],
    expand3: Sequence[int],
    summed: Sequence[int],
    _unroll: int = 1,
    **_: Any,
) -> Any:
    """Return the FLOPs of sum(i1 i2 i3): a product of i1 and i2, then one of that and i3.

    Each operand is expanded to the same dimensions. A dimension is summed in the product after
    which no operand has it, and a product that sums nothing is elementwise: no matrix work. The
    kernel does one slice of the unrolled dimension after the other, which changes no total. For
    ``nn.Bilinear``: 2 n out in2 (in1 + 1).
    """
    dims = range(i1.dim() + len(expand1))
    first, second, third = (
        _sizes(t.shape, expanded, dims)
        for t, expanded in ((i1, expand1), (i2, expand2), (i3, expand3))
    )
    early = [d for d in summed if d not in third and d != _unroll]
    late = [d for d in summed if d in third and d != _unroll]
    pair = _pair(first, second, early, dims)
    left = {d: n for d, n in (first | second).items() if d not in early}
    return pair + _pair(left, third, late, dims)


def _sizes(shape: Sequence[Any], expanded: Sequence[int], dims: range) -> dict[int, Any]:
    """Return an operand's sizes by dimension, without those that it is expanded to."""
    return dict(zip((d for d in dims if d not in expanded), shape, strict=True))


def _pair(left: dict[int, Any], right: dict[int, Any], summed: Sequence[int], dims: range) -> Any:
    """Return the FLOPs of a product of two operands that sums some dimensions.

    A summed dimension that only one of them has is summed before the product.
    """
    if not summed:
        return 0
    present = left | right
    alone = [d for d in summed if not (d in left and d in right)]
    return MAC_FLOPS * prod(present[d] for d in dims if d in present and d not in alone)


FORMULAS: dict[str, Callable[..., Any]] = {
    "_addmm_activation": plus_product,
    "_dyn_quant_matmul_4bit": product_with_packed,
    "_euclidean_dist": distances,
    "_foreach_mm": products,
    "_grouped_mm": grouped_product,
    "_int_mm": product,
    "_mixed_dtypes_linear": product_with_packed,
    "_scaled_grouped_mm": grouped_product,
    "_scaled_grouped_mm_v2": grouped_product,
    "_scaled_mm_v2": product,
    "_trilinear": trilinear,
    "_weight_int4pack_mm": product_with_packed,
    "_weight_int4pack_mm_for_cpu": product_with_packed,
    "_weight_int4pack_mm_with_scales_and_zeros": product_with_packed,
    "_weight_int8pack_mm": product_with_packed,
    "addbmm": plus_products,
    "addbmm_": plus_products,
    "addmm_": plus_product,
    "addmv": plus_matrix_vector,
    "addmv_": plus_matrix_vector,
    "addr": plus_outer,
    "addr_": plus_outer,
    "affine_grid_generator": affine_grid,
    "baddbmm_": plus_products,
    "dot": dot,
    "mkldnn_linear": product_with_packed,
    "mv": matrix_vector,
    "vdot": dot,
}
"""By the name of the op."""
