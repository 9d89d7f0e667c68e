"""Hypothesis strategies for plugin tests: a model's inputs and sizes, and attention operations."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs
from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from flopbench.analytic import AnalyticModel
from flopbench.dims import Dim
from flopbench.errors import UsageError
from flopbench.ops import Attention

SPAN = 200
"""How far above its lowest value a drawn number may lie."""


def inputs(base: Any, *, span: int = SPAN) -> SearchStrategy[Any]:
    """Draw values of a model's ``inputs_type``, derived from the types of its fields.

    Integers are drawn upwards from their lowest value: the bound of a ``ge`` or ``gt`` validator,
    else the smaller of 1 and the default. Choices and switches are drawn from all their values.
    Any other field (a file name, say) keeps the value that it has in ``base``.

    Args:
        base: an instance of the type.
        span: how far above its lowest value an integer may lie.
    """
    return _instances(type(base), base, span, others=True)


def sizes_like(base: Any, *, span: int = SPAN) -> SearchStrategy[Any]:
    """Draw values that differ from ``base`` in their integers only."""
    return _instances(type(base), base, span, others=False)


def workloads(
    model: AnalyticModel, base: Any, *, span: int = SPAN
) -> SearchStrategy[tuple[Any, Any]]:
    """Draw (inputs, workload) of a model; inputs that contradict each other are rejected."""
    return inputs(base, span=span).map(lambda drawn: (drawn, workload(model, drawn)))


def workload(model: AnalyticModel, drawn: Any) -> Any:
    """Return the workload of drawn inputs, or reject the example if they contradict each other."""
    try:
        return model.workload(drawn)
    except UsageError:
        reject()


def sizes(model: AnalyticModel, stage: str, workload: Any, *, span: int = 30) -> Any:
    """Draw a value for each open size that a stage has."""
    present = model.stage_sizes(stage, workload)
    return st.fixed_dictionaries(
        {
            size.name: st.integers(size.minimum, size.minimum + span)
            for size in model.sizes
            if size.name in present
        }
    )


@st.composite
def attentions(draw: DrawFn, *, odd: bool = False) -> Attention:
    """Draw a small attention operation.

    Args:
        odd: whether to also draw what many modes do not support: a bias, a prefix, sinks, chosen
            keys, wide heads, values whose width differs from that of the keys.
    """
    small = st.integers(1, 4)
    queries, kv_heads, steps = draw(st.integers(1, 6)), draw(small), draw(small)
    keys = queries + draw(st.integers(0, 300))
    head_dim = draw(st.sampled_from((8, 64, 264) if odd else (8, 64)))
    causal = draw(st.booleans())
    window = draw(st.sampled_from((None, 2, 5, 100))) if causal else None
    chosen = draw(st.sampled_from((None, 1, 5))) if odd and causal and window is None else None
    prefixed = odd and causal and window is None and steps == 1 and chosen is None
    return Attention(
        component="block/attention/core",
        layers=draw(small),
        steps=steps,
        batch=draw(small),
        heads=kv_heads * draw(small),
        kv_heads=kv_heads,
        head_dim=head_dim,
        value_dim=draw(st.sampled_from((head_dim, 16))) if odd else head_dim,
        queries=queries,
        keys=keys,
        causal=causal,
        window=window,
        chosen=chosen,
        prefix=draw(st.integers(0, keys)) if prefixed else 0,
        bias=draw(st.sampled_from((None, "relative positions"))) if odd else None,
        scaled=draw(st.sampled_from(("scores", "queries"))),
        sinks=odd and draw(st.booleans()),
        softcap=odd and draw(st.booleans()),
        cached=draw(st.booleans()),
    )


def _instances(cls: type, base: Any, span: int, *, others: bool) -> SearchStrategy[Any]:
    hints = get_type_hints(cls)
    fields = {
        field.name.lstrip("_"): _values(
            field, hints[field.name], getattr(base, field.name, attrs.NOTHING), span, others=others
        )
        for field in attrs.fields(cls)
        if field.init
    }
    return st.fixed_dictionaries(fields).map(lambda values: _make(cls, values))


def _make(cls: type, values: Mapping[str, Any]) -> Any:
    try:
        return cls(**values)
    except ValueError:  # from a validator of the author
        reject()


def _values(field: Any, hint: Any, value: Any, span: int, *, others: bool) -> SearchStrategy[Any]:
    """Draw values of one field, of type ``hint``; ``value`` is its value in the base."""
    is_union = get_origin(hint) in (Union, types.UnionType)
    if is_union and not (others and value is None):
        hint = next((kind for kind in get_args(hint) if isinstance(value, _plain(kind))), None)
    if hint is int:
        return _integers(field, value, span)
    if attrs.has(hint):
        return _instances(hint, value, span, others=others)
    if others and hint is bool:
        return st.booleans()
    if others and get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint))
    nested = [kind for kind in get_args(hint) if others and is_union and attrs.has(kind)]
    choices = [_instances(kind, None, span, others=others) for kind in nested]
    return st.one_of(st.just(value), *choices)


def _plain(kind: Any) -> Any:
    return kind if isinstance(kind, type) and get_origin(kind) is None else ()


def _integers(field: Any, value: Any, span: int) -> SearchStrategy[int]:
    known = value if isinstance(value, int) else field.default
    low = min(1, known) if isinstance(known, int) else 1
    high: float = float("inf")
    for bound, operator in _bounds(field.validator):
        if operator in {">=", ">"}:
            low = bound + (operator == ">")
        elif operator in {"<=", "<"}:
            high = bound - (operator == "<")
    return st.integers(low, int(min(high, low + span)))


def _bounds(validator: Any) -> list[tuple[int, str]]:
    """Return the bounds that attrs' number validators set."""
    inner = getattr(validator, "_validators", None)
    if inner is not None:
        return [bound for each in inner for bound in _bounds(each)]
    bound, operator = getattr(validator, "bound", None), getattr(validator, "compare_op", "")
    return [(bound, operator)] if isinstance(bound, int) else []


def symbols_of(names: Mapping[str, int]) -> dict[str, Dim]:
    """Return a SymPy symbol for each name; ``names`` maps it to the lowest value it may have."""
    from flopbench.dims.forms import symbol

    return {name: symbol(name, low) for name, low in names.items()}
