"""Count a long call by shorter ones: exactly, if its work is a polynomial in its length."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from flopbench.errors import CountError
from flopbench.tally import sums
from flopbench.text import listed
from flopbench.vendor.counter import Count, Counted, StageCount, Uncounted, VendorCounter
from flopbench.vendor.counting import count_stage
from flopbench.vendor.method import Method
from flopbench.vendor.model import ByLength, VendorStage

if TYPE_CHECKING:
    from flopbench.laws.interpolation import Forms, Interpolated, Key

_FAR = 4
"""The first confirming point that is not next to the others lies so many beyond the first."""

_UNCOUNTED = "uncounted "

_NAME = "x"


def count_by_length(
    counter: VendorCounter, stage: VendorStage, tick: Callable[[int], None] = lambda _step: None
) -> StageCount:
    """Count a stage: one long call by shorter ones if that is possible and pays, else as it is.

    Args:
        tick: called with the step after each counted call.
    """
    series = stage.by_length() if stage.by_length else None
    found = _interpolated(counter, series) if series else None
    if series is None or found is None:
        return count_stage(counter, stage, tick)
    tick(1)
    point = (series.length - _rest(series)) // series.stride
    values = {key: int(form.subs(_NAME, point)) for key, form in found.forms.items()}
    points = sorted({*found.used, *found.confirmed})
    lengths = [f"{series.stride * point + _rest(series):,}" for point in points]
    note = (
        f"{series.what} of {listed(lengths, 'and')} {series.unit} were counted; they lie exactly "
        f"on a polynomial of degree {found.degree} in every module and op, which gives that of "
        f"{series.length:,}"
    )
    return StageCount(
        _count(values),
        (*stage.assumptions, note),
        counter.own_formulas_of(op for _module, op in values),
        Method.INTERPOLATED,
    )


def _interpolated(counter: VendorCounter, series: ByLength) -> Interpolated | None:
    """Return the polynomials through counts of short calls; None if there are none, or no gain."""
    import sympy

    from flopbench.laws.interpolation import interpolate

    low = -(-(series.first - _rest(series)) // series.stride)
    most = 2 * (low + _FAR) + 1  # the last of the confirming points, and the most costly
    if 4 * (series.stride * most + _rest(series)) > series.length:
        return None

    def value(point: int) -> Forms:
        count = counter.count(series.prepare(series.stride * point + _rest(series)))
        return {key: sympy.Integer(n) for key, n in _values(count).items()}

    try:
        return interpolate(sympy.Symbol(_NAME), value, low=low, high=low + _FAR)
    except CountError:
        return None  # counted as it is, it tells what fails


def _rest(series: ByLength) -> int:
    return series.length % series.stride


def _values(count: Count) -> Mapping[Key, int]:
    """Return FLOPs and uncounted calls by module and op."""
    return sums(
        (
            *(((entry.module, entry.op), entry.flops) for entry in count.counted),
            *(((each.module, _UNCOUNTED + each.op), each.calls) for each in count.uncounted),
        )
    )


def _count(values: Mapping[Key, int]) -> Count:
    found = [(module, op, value) for (module, op), value in values.items() if value]
    return Count(
        tuple(Counted(m, op, n) for m, op, n in found if not op.startswith(_UNCOUNTED)),
        tuple(
            Uncounted(m, op.removeprefix(_UNCOUNTED), n)
            for m, op, n in found
            if op.startswith(_UNCOUNTED)
        ),
    )
