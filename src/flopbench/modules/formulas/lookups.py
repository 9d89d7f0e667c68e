"""Formulas of lookups that sum rows of a table with weights."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from flopbench.conventions import MAC_FLOPS


def weighted_bag(table: Any, indices: Any, *args: Any, **options: Any) -> Any:
    """Return 2 n d if the n rows looked up have weights: bags [b, table rows] x [table rows, d].

    The matrix of bags has the weights of n samples and zeros, and zeros are no work. Without
    weights, rows are only added up.
    """
    return _products(indices, table) if _weights(args, 4, options) is not None else 0


def bag_backward(grad: Any, indices: Any, *args: Any, **options: Any) -> Any:
    """Return 2 n d for the gradient of the table: the matrix of bags, transposed, x gradients."""
    return _products(indices, grad) if _weights(args, 8, options) is not None else 0


def dense_bag_backward(grad: Any, indices: Any, *args: Any, **options: Any) -> Any:
    """Return what `bag_backward` does: its arguments have no offsets and no choice of sparsity."""
    return _products(indices, grad) if _weights(args, 6, options) is not None else 0


def bag_weights_backward(grad: Any, table: Any, indices: Any, *_args: Any, **_: Any) -> Any:
    """Return 2 n d: the gradient of a sample's weight is its bag's gradient times the row."""
    return _products(indices, table)


def _products(indices: Any, rows: Any) -> Any:
    return MAC_FLOPS * prod(indices.shape) * rows.shape[1]


def _weights(args: tuple[Any, ...], position: int, options: dict[str, Any]) -> Any:
    """Return the weights per sample, which come at a position or by name."""
    return args[position] if len(args) > position else options.get("per_sample_weights")


FORMULAS: dict[str, Callable[..., Any]] = {
    "_embedding_bag": weighted_bag,
    "_embedding_bag_backward": bag_backward,
    "_embedding_bag_dense_backward": dense_bag_backward,
    "_embedding_bag_forward_only": weighted_bag,
    "_embedding_bag_per_sample_weights_backward": bag_weights_backward,
}
"""By the name of the op."""
