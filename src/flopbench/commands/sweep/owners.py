"""The facts of points that were made apart, in columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from flopbench.analytic.columns import Column, at_rows, concatenated, objects
from flopbench.commands.sweep.workloads import Made


class Owners:
    """Says which points have which facts.

    Args:
        found: all points of one run.
    """

    def __init__(self, found: Sequence[Made]) -> None:
        self._found = found
        indices = np.concatenate([made.indices for made in found])
        counts = [len(made.indices) for made in found]
        order = np.argsort(indices, kind="stable")
        self._indices = indices[order]
        self._owner = np.repeat(np.arange(len(found)), counts)[order]
        self._row = np.concatenate([np.arange(count) for count in counts])[order]

    def facts(self, indices: Any) -> Iterator[tuple[Any, dict[str, Column]]]:
        """Yield the label and the facts of points, those with the same names together.

        Args:
            indices: of the points, increasing.

        Yields:
            Places among the indices, increasing; and columns.
        """
        at = np.searchsorted(self._indices, indices)
        owners, rows = self._owner[at], self._row[at]
        order = np.argsort(owners, kind="stable")
        of_one = np.split(order, np.flatnonzero(np.diff(owners[order])) + 1)
        alike: dict[tuple[str, ...], list[Any]] = {}
        for places in of_one:
            alike.setdefault(tuple(self._found[owners[places[0]]].facts), []).append(places)
        for names, several in alike.items():
            made = [(self._found[owners[places[0]]], rows[places]) for places in several]
            counts = [len(places) for places in several]
            whole = np.concatenate(several)
            back = np.argsort(whole, kind="stable")
            found = {"label": objects(m.labels[row] for m, each in made for row in each.tolist())}
            found |= {
                name: concatenated([at_rows(m.facts[name], each) for m, each in made], counts)
                for name in names
            }
            yield whole[back], {name: at_rows(column, back) for name, column in found.items()}
