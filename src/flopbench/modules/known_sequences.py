"""What attention and recurrent layers compute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import prod
from typing import Any

from flopbench.ops import Linear, MatMul, PricedOp

_GATES = {"GRU": 3, "LSTM": 4, "RNN": 1}
"""Vectors of the hidden size that a cell computes from its input and its state."""


def attention(module: Any, call: Mapping[str, Any], _output: Any) -> Iterable[PricedOp]:
    """Yield the products of ``nn.MultiheadAttention``: projections, scores, context, output.

    A mask hides no product. The bias of keys and values, and the attention to zeros, are a key more
    each. A head has head_dim = embed_dim / num_heads.
    """
    query, key = call["query"], call["key"]
    batch, queries = _batch_and_length(module, query)
    _, keys = _batch_and_length(module, key)
    width, has_bias = module.embed_dim, module.in_proj_bias is not None
    for name, rows, size in (
        ("query", batch * queries, width),
        ("key", batch * keys, module.kdim),
        ("value", batch * keys, module.vdim),
    ):
        yield _linear(name, rows, size, width, has_bias=has_bias)
    seen = keys + (1 if module.bias_k is not None else 0) + (1 if module.add_zero_attn else 0)
    heads, head = batch * module.num_heads, module.head_dim
    yield MatMul(component="scores", batch=heads, m=queries, k=head, n=seen)
    yield MatMul(component="context", batch=heads, m=queries, k=seen, n=head)
    yield _linear("out", batch * queries, width, width, has_bias=module.out_proj.bias is not None)


def _batch_and_length(module: Any, sequences: Any) -> tuple[Any, Any]:
    """Return the sizes of [length, width], [length, batch, width] or [batch, length, width]."""
    if sequences.dim() == 2:  # noqa: PLR2004 - without a batch
        return 1, sequences.shape[0]
    first, second = sequences.shape[:2]
    return (first, second) if module.batch_first else (second, first)


def recurrent(module: Any, call: Mapping[str, Any], _output: Any) -> Iterable[PricedOp]:
    """Yield the products of ``nn.RNN``, ``nn.LSTM`` or ``nn.GRU``, by layer and direction.

    Each token multiplies what comes from the layer below (of both directions), and the state: the
    hidden one, or what an LSTM projects it to. A packed sequence has the tokens of all its steps,
    and no padding.
    """
    given = call["input"]
    sequences = given.data if hasattr(given, "batch_sizes") else given
    tokens = prod(sequences.shape[:-1])
    hidden, projected = module.hidden_size, module.proj_size
    state, directions = projected or hidden, 2 if module.bidirectional else 1
    gates = _GATES[type(module).__name__] * hidden
    for layer in range(module.num_layers):
        below = state * directions if layer else module.input_size
        for direction in range(directions):
            name = f"layer{layer}/{direction}"
            yield _linear(f"{name}/input", tokens, below, gates, has_bias=module.bias)
            yield _linear(f"{name}/state", tokens, state, gates, has_bias=module.bias)
            if projected:
                yield _linear(f"{name}/projection", tokens, hidden, projected)


def cell(module: Any, call: Mapping[str, Any], _output: Any) -> Iterable[PricedOp]:
    """Yield the products of one step of ``nn.RNNCell``, ``nn.LSTMCell`` or ``nn.GRUCell``."""
    rows = prod(call["input"].shape[:-1])
    gates = _GATES[type(module).__name__.removesuffix("Cell")] * module.hidden_size
    yield _linear("input", rows, module.input_size, gates, has_bias=module.bias)
    yield _linear("state", rows, module.hidden_size, gates, has_bias=module.bias)


def _linear(
    component: str, rows: Any, in_features: int, out_features: int, *, has_bias: bool = False
) -> Linear:
    return Linear(
        component=component,
        rows=rows,
        in_features=in_features,
        out_features=out_features,
        bias=has_bias,
    )


KINDS: dict[str, Callable[..., Iterable[PricedOp]]] = {
    "GRU": recurrent,
    "GRUCell": cell,
    "LSTM": recurrent,
    "LSTMCell": cell,
    "MultiheadAttention": attention,
    "RNN": recurrent,
    "RNNCell": cell,
}
"""By the name of the class in torch.nn."""
