"""Named sweeps of a model: their points, and the limits that a user sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs
from attrs import frozen

from flopbench.text import is_json


def _text(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, str) or not value:
        what = f"{type(instance).__name__}.{attribute.name}"
        raise TypeError(f"{what} must be a non-empty string, got {value!r}")


def _plain_mapping(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    what = f"{type(instance).__name__}.{attribute.name}"
    if not (isinstance(value, Mapping) and all(isinstance(name, str) for name in value)):
        raise TypeError(f"{what} must be a mapping with string keys, got {value!r}")
    for name, each in value.items():
        if not is_json(each):
            raise TypeError(f"{what} must have values that JSON can hold, got {name}={each!r}")


@frozen(kw_only=True)
class SweepPoint:
    """One point of a sweep.

    Attributes:
        label: what tables and plots call it, such as ``2x3``.
        inputs: values of keys below ``workload.``, nested as in a configuration file.
        facts: what ``sweep.json`` says about the point beside the workload's own facts.

    Raises:
        TypeError: a value is of another type, or one that JSON cannot hold.
    """

    label: str = attrs.field(validator=_text)
    inputs: Mapping[str, Any] = attrs.field(validator=_plain_mapping)
    facts: Mapping[str, Any] = attrs.field(factory=dict, validator=_plain_mapping)


@frozen(kw_only=True)
class SweepLimits:
    """The limits that the command line sets to the points of a named sweep.

    Attributes:
        grids: the (rows, columns) to use; empty for the sweep's own candidates.
        max_image_tokens: take candidates with at most this many image tokens, instead of the
            usual ones.
    """

    grids: tuple[tuple[int, int], ...] = ()
    max_image_tokens: int | None = None


def _limits(names: Any) -> frozenset[str]:
    known = {field.name for field in attrs.fields(SweepLimits)}
    if not isinstance(names, list | tuple | set | frozenset) or not known.issuperset(names):
        raise TypeError(f"Sweep.takes must name limits among {sorted(known)}, got {names!r}")
    return frozenset(names)


@frozen(kw_only=True)
class Sweep:
    """A named sweep of a model.

    Attributes:
        stages: names of the stages that it reports.
        x: the fact on the horizontal axis of plots.
        points: returns the points within the limits; raises
            `flopbench.errors.UsageError` if there are none.
        takes: names of the limits that it accepts; others are refused.

    Raises:
        TypeError: a value is of another type.
    """

    name: str = attrs.field(validator=_text)
    description: str = attrs.field(validator=_text)
    stages: tuple[str, ...] = attrs.field()
    x: str = attrs.field(validator=_text)
    points: Callable[[SweepLimits], Iterable[SweepPoint]] = attrs.field()
    takes: frozenset[str] = attrs.field(default=frozenset(), converter=_limits)

    @stages.validator
    def _names(self, _attribute: object, value: Any) -> None:
        if not (isinstance(value, tuple) and value and all(isinstance(s, str) for s in value)):
            raise TypeError(f"Sweep.stages must be a tuple of one or more names, got {value!r}")

    @points.validator
    def _function(self, _attribute: object, value: Any) -> None:
        if not callable(value):
            raise TypeError(f"Sweep.points must be a function of the limits, got {value!r}")
