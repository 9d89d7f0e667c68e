"""What a lock file says of one check."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

from flopbench.errors import UsageError
from flopbench.tally import sums

if TYPE_CHECKING:
    from flopbench.modules.counted import ModuleCount

_DIGITS = re.compile(r"([0-9]+)")

PEAK = "peak activation bytes"
KINDS = ("FLOPs", "calls without a formula", "parameters", PEAK)
"""What is compared, in the order in which it is shown."""

OUTERMOST = "(outermost)"
"""How a text names the module that has no path."""


@frozen
class Entry:
    """The integers that a check holds.

    Attributes:
        components: FLOPs of matrix work by component.
        uncounted: calls of ops without a formula, each as ``op in component``.
        peak_activation_bytes: None if the check does not ask for them.
    """

    components: Mapping[str, int]
    uncounted: Mapping[str, int]
    parameters: int
    peak_activation_bytes: int | None = None

    @classmethod
    def of(cls, count: ModuleCount, *, peak: bool) -> Entry:
        """Return the entry of a count.

        Raises:
            UsageError: peak activations are asked for, and the count has none.
        """
        if peak and count.peak_activation_bytes is None:
            raise UsageError(
                f"peak=True needs peak activations, and those of {count.name} depend on the "
                "values of tensors: leave it out"
            )
        unseen = (
            (f"{each.op} in {count.component(each.module) or OUTERMOST}", each.calls)
            for each in count.uncounted
        )
        return cls(
            components=count.by_component,
            uncounted=sums(unseen),
            parameters=count.parameters,
            peak_activation_bytes=count.peak_activation_bytes if peak else None,
        )

    @property
    def flops(self) -> int:
        """FLOPs of all components."""
        return sum(self.components.values())

    def amounts(self) -> Iterator[tuple[tuple[str, str], int]]:
        """Yield each integer by the kind of what it counts, and by name."""
        flops, calls, parameters, peak = KINDS
        for name, amount in self.components.items():
            yield (flops, name or OUTERMOST), amount
        for name, amount in self.uncounted.items():
            yield (calls, name), amount
        yield (parameters, "all"), self.parameters
        if self.peak_activation_bytes is not None:
            yield (peak, "all"), self.peak_activation_bytes

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, sorted."""
        found: dict[str, Any] = {
            "flops": self.flops,
            "components": by_name(self.components),
            "uncounted": by_name(self.uncounted),
            "parameters": self.parameters,
        }
        if self.peak_activation_bytes is not None:
            found["peak_activation_bytes"] = self.peak_activation_bytes
        return found

    @classmethod
    def from_dict(cls, values: Any) -> Entry:
        """Return the entry of a JSON form; fields that it does not know are left out.

        Raises:
            ValueError: it is not the form of an entry.
        """
        values = mapping(values)
        peak = values.get("peak_activation_bytes")
        entry = cls(
            components=_amounts(values.get("components")),
            uncounted=_amounts(values.get("uncounted")),
            parameters=_amount(values.get("parameters")),
            peak_activation_bytes=None if peak is None else _amount(peak),
        )
        if _amount(values.get("flops")) != entry.flops:
            raise ValueError(f"flops of {values['flops']} are not the sum of the components")
        return entry


def by_name(values: Mapping[str, Any]) -> dict[str, Any]:
    """Sort by name, as people do: ``layers.2`` comes before ``layers.10``."""
    return {name: values[name] for name in sorted(values, key=_natural)}


def _natural(name: str) -> tuple[list[tuple[int, int, str]], str]:
    parts = (part for part in _DIGITS.split(name) if part)
    # Numbers first; among equal ones that are written otherwise, the text decides.
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts], name


def mapping(values: Any) -> dict[str, Any]:
    """Return an object of JSON.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(values, dict):
        raise ValueError(f"an object is missing, in place of {values!r:.40}")  # noqa: TRY004
    return values


def _amounts(values: Any) -> dict[str, int]:
    return {name: _amount(value) for name, value in mapping(values).items()}


def _amount(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"a whole number is missing, in place of {value!r:.40}")
    return value
