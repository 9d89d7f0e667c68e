"""Costs as plain numbers that checks compare."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from flopbench.analytic.price import StagePrice
from flopbench.ops import TORCH_VISIBLE, Cost
from flopbench.testing.suite import require

EXPECTED = "expected_expert_bytes_read"
"""The only field of a cost that is a real number."""

FIELDS = tuple(field.name for field in attrs.fields(Cost))
WHOLE = tuple(name for name in FIELDS if name != EXPECTED)

FLOPS = tuple(name for name in FIELDS if name.endswith("flops"))

Lines = Mapping[tuple[str, str], Cost]
"""Costs by component and kind of operation."""


def matrix_work(lines: Lines) -> dict[str, Any]:
    """Return the matrix work, and the part of it that torch's FlopCounterMode has formulas for."""
    seen: list[Any] = [
        cost.tensor_flops for (_, kind), cost in lines.items() if kind in TORCH_VISIBLE
    ]
    return {
        "tensor_flops": total(lines.values()).tensor_flops,
        "torch_visible_flops": sum(seen),
    }


def lines_of(priced: StagePrice) -> Lines:
    """Return a stage's costs by component and kind."""
    return {(line.component, line.kind): line.cost for line in priced.lines}


def require_whole(cost: Cost, what: str) -> None:
    """Fail unless a cost's counts are non-negative ints, and padding is part of the tensor work.

    Raises:
        AssertionError: one is not, or there is more padding than tensor work.
    """
    for name in WHOLE:
        value = getattr(cost, name)
        require(
            type(value) is int and value >= 0,
            f"{name} of {what} must be a non-negative int, got {value!r}",
        )
    require(
        cost.padding_flops <= cost.tensor_flops,
        f"{what} has {cost.padding_flops} FLOPs of padding, more than its tensor FLOPs",
    )


def require_equal(found: Lines, wanted: Lines, what: str, fields: tuple[str, ...] = FIELDS) -> None:
    """Fail unless two priced stages are equal, line by line, in all or some fields of a cost.

    Raises:
        AssertionError: they differ.
    """
    for key in dict.fromkeys((*found, *wanted)):
        a, b = found.get(key, Cost()), wanted.get(key, Cost())
        for name in fields:
            x, y = getattr(a, name), getattr(b, name)
            equal = math.isclose(x, y, rel_tol=1e-9) if name == EXPECTED else x == y
            require(equal, f"{what}: {name} of {key[1]} in {key[0]} is {x}, not {y}")


def substituted(lines: Lines, values: Mapping[str, int]) -> Lines:
    """Substitute numbers for the symbols of a priced stage."""
    return {key: map_cost(cost, lambda form: _number(form, values)) for key, cost in lines.items()}


def elements(lines: Lines, index: int) -> Lines:
    """Return one element of a stage that was priced with arrays."""

    def element(value: Any) -> Any:
        return value[index].item() if hasattr(value[index], "item") else value[index]

    return {
        key: map_cost(cost, lambda value: element(value) if hasattr(value, "shape") else value)
        for key, cost in lines.items()
    }


def map_cost(cost: Cost, function: Any) -> Cost:
    """Apply a function to each number of a cost."""
    return Cost(*(function(getattr(cost, name)) for name in FIELDS))


def _number(form: Any, values: Mapping[str, int]) -> Any:
    if not getattr(form, "free_symbols", ()):
        return form if isinstance(form, int | float) else _plain(form)
    return _plain(form.subs({symbol: values[symbol.name] for symbol in form.free_symbols}))


def _plain(form: Any) -> Any:
    form = form.doit()
    require(form.is_number, f"a closed form must come out as a number, got {form}")
    return int(form) if form.is_Integer else float(form)


def total(costs: Iterable[Cost]) -> Cost:
    """Return the sum of costs."""
    return sum(costs, Cost())
