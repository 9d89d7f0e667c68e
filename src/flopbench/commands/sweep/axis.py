"""The horizontal axis of a sweep's plots: where its points lie, and which of them form a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from attrs import frozen

from flopbench.text import visible

_FEWEST, _LEAST_RATIO, _ROUNDED = 3, 1.4, 1.1


@frozen(kw_only=True)
class Axis:
    """The points of a sweep along a horizontal axis.

    Attributes:
        xs: where each point is.
        ticks: the names of positions, if they are not numbers.
        names: each point's label, without what the axis already says.
        groups: indices of the points of each line, by what they have in common.
        log: whether the points are evenly spaced by ratio rather than by difference.
    """

    name: str
    xs: Sequence[float]
    ticks: Sequence[str] | None
    names: Sequence[str]
    groups: Mapping[str, Sequence[int]]
    log: bool = False

    @property
    def one(self) -> Sequence[int]:
        """The points of the only group."""
        (members,) = self.groups.values()
        return members


def axis_of(report: Mapping[str, Any]) -> Axis:
    """Return the axis that a sweep's points lie on; points that differ only in x form a line."""
    points, x = report["points"], report["x"]
    values = [point.get(x) for point in points]
    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    numeric = numeric and len(set(values)) > 1
    shown = [visible(str(v)) for v in values]
    ticks = None if numeric else list(dict.fromkeys(shown))
    xs = [float(v) for v in values] if ticks is None else [float(ticks.index(w)) for w in shown]
    names, groups = [], dict[str, list[int]]()
    for index, point in enumerate(points):
        words = [w for w in visible(point["label"]).split(" ") if not w.startswith(f"{x}=")]
        names.append(" ".join(words))
        groups.setdefault(" ".join(w for w in words if "=" in w), []).append(index)
    ordered = {name: sorted(m, key=lambda i: xs[i]) for name, m in groups.items()}
    return Axis(
        name=x.replace("_", " "),
        xs=xs,
        ticks=ticks,
        names=names,
        groups=ordered,
        log=numeric and is_geometric(xs),
    )


def is_geometric(values: Iterable[float]) -> bool:
    """Return whether values grow by one ratio (within 10 %, for rounded ones) of at least 1.4."""
    distinct = sorted(set(values))
    if len(distinct) < _FEWEST or distinct[0] <= 0:
        return False
    ratios = [after / before for before, after in pairwise(distinct)]
    return min(ratios) >= _LEAST_RATIO and max(ratios) <= _ROUNDED * min(ratios)
