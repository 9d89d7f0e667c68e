"""The parameters of a model, by kind, read off its operations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from flopbench.formulas.facts import Parameters
from flopbench.formulas.shapes import is_part
from flopbench.ops import Attention, Embedding, ExpertLinear, Norm, Op, PricedOp


def parameters_of(ops: Sequence[Op]) -> Parameters:
    """Return the numbers of parameters of each kind, for all layers."""
    found: Counter[str] = Counter()
    every: list[Any] = [*ops]
    for op in every:
        for kind, elements in _of_one(op):
            found[kind] += op.layers * elements
    tables = _tables(ops)
    found["positions"] = sum(tables[1:])
    if tables and not any(op.weights_shared and op.component == "lm_head" for op in ops):
        found["tokens"] = tables[0]
    return Parameters(**found)


def _tables(ops: Iterable[Op]) -> list[int]:
    """Return the elements of the tables that vectors are looked up in; that of tokens is first."""
    found: list[Any] = [op for op in ops if isinstance(op, Embedding)]
    return [op.weights() for op in found if not op.weights_shared]


def _of_one(op: Any) -> Iterator[tuple[str, int]]:
    """Yield the kind and the number of the parameters of one copy of an operation."""
    if isinstance(op, Attention):
        yield "sinks", int(op.weights())
    elif isinstance(op, ExpertLinear):
        matrices = matrix_elements(op)
        kinds = {"experts": matrices, "expert_biases": int(op.weights()) - matrices}
        for kind, every in kinds.items():
            yield kind, every
            yield f"active_{kind}", int(op.top_k * (every // op.experts))
    elif isinstance(op, PricedOp) and not isinstance(op, Embedding):
        matrices = matrix_elements(op)
        if op.component == "lm_head" and matrices:
            yield "head", matrices
        elif not op.weights_shared:
            yield "layers", matrices
        if not op.weights_shared and op.trainable:
            yield _small_kind(op), int(op.weights()) - matrices


def matrix_elements(op: Any) -> int:
    """Return the elements of the matrices of one copy, without biases."""
    return int(sum(matrix.elements for matrix in op.matrices()))


def _small_kind(op: PricedOp) -> str:
    """Return the kind of its parameters that are in no matrix."""
    if isinstance(op, Norm):
        return "attention_norms" if is_part(op, "attention/qkv") else "norms"
    return "biases" if op.matrices() or op.kind == "bias" else "other"
