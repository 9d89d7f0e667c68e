"""A series as a tree by component and op."""

from __future__ import annotations

from collections.abc import Sequence

from flopbench.builtin.reporters.shared import has_no_match
from flopbench.report import Comparison, Series
from flopbench.tally import sums
from flopbench.values.node import Node, tree_of


def series_tree(series: Series, comparisons: Sequence[Comparison]) -> Node:
    """Return a series with its components, and these with their ops."""
    note = "no vendor match" if has_no_match(series, comparisons) else None
    if series.flops is None:
        return Node(series.label, None, (), series.error, series.unit)
    by_op = sums(((*e.component.split("/"), e.op), e.flops) for e in series.breakdown)
    tree = tree_of(series.label, by_op, note=note, unit=series.unit)
    return tree if by_op else Node(series.label, series.flops, (), note, series.unit)
