"""Ops in place of FlexAttention's kernels: they have the shapes of results, and compute nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from flopbench.modules.formulas.attention import core, core_backward

_SCHEMA = "(Tensor query, Tensor key, Tensor value) -> (Tensor, Tensor, Tensor)"
_BACKWARD_SCHEMA = (
    "(Tensor grad, Tensor query, Tensor key, Tensor value) -> (Tensor, Tensor, Tensor)"
)


def flex_formulas() -> Mapping[Any, Callable[..., Any]]:
    """Return the formulas of the ops: those of any other attention kernel."""
    import torch

    flex_ops()
    ops = torch.ops.flopbench
    return {ops.flex_attention: core, ops.flex_attention_backward: core_backward}


@cache
def flex_ops() -> tuple[Any, Any]:
    """Define the ops, once: registered with torch, they cannot be defined again."""
    from torch.library import custom_op

    backward = custom_op(
        "flopbench::flex_attention_backward", _gradients, mutates_args=(), schema=_BACKWARD_SCHEMA
    )
    backward.register_fake(_gradients)
    forward = custom_op("flopbench::flex_attention", _results, mutates_args=(), schema=_SCHEMA)
    forward.register_fake(_results)
    forward.register_autograd(
        lambda ctx, grad, *_: backward(grad, *ctx.saved_tensors),
        setup_context=lambda ctx, inputs, output: ctx.save_for_backward(*inputs),
    )
    return forward, backward


def _results(query: Any, _key: Any, value: Any) -> Any:
    """Return the result, the logarithms of the sums of weights, and the largest scores."""
    import torch

    rows = query.shape[:-1]
    of_rows = (query.new_empty(rows, dtype=torch.float32) for _ in range(2))
    return query.new_empty((*rows, value.shape[-1])), *of_rows


def _gradients(_grad: Any, query: Any, key: Any, value: Any) -> Any:
    """Return the gradients of queries, keys and values."""
    return tuple(operand.new_empty(operand.shape) for operand in (query, key, value))
