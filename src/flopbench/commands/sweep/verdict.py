"""How the vendor's counts compare at all points of a sweep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from flopbench.commands.sweep.table import Group, Table, Tree, ordered
from flopbench.text import first_of, plural
from flopbench.vendor.own import OwnFormula, with_own_formulas

_TOLD = ("vendor_error", "difference", "components_differ", "vendor_method")


@frozen
class Verdict:
    """What was found at the points and stages of a sweep.

    Attributes:
        results: stages of points.
        failed, wrong, compared, by_law: how many could not be counted, differ, were compared, and
            of these come from a law.
        problems: what failed or differs, and why, in the order of points.
    """

    results: int
    failed: int = 0
    wrong: int = 0
    compared: int = 0
    by_law: int = 0
    problems: tuple[str, ...] = ()

    @classmethod
    def of(cls, report: Mapping[str, Any]) -> Verdict:
        """Go through all points, if there is a vendor."""
        results = len(report["points"]) * len(report["stages"])
        if report["vendor_counter"] is None:
            return cls(results)
        failed = wrong = compared = by_law = 0
        problems = []
        for label, stage, (error, difference, differ, method) in _each(report):
            failed += error is not None
            if difference is not None:
                compared += 1
                wrong += bool(differ)
                by_law += method == "law"
            if error or differ:
                why = error or f"differs in {first_of(differ)}"
                problems.append(f"{label} {stage}: {why}")
        return cls(results, failed, wrong, compared, by_law, tuple(problems))

    def text(self, report: Mapping[str, Any]) -> str:
        """Say it in one line."""
        if self.failed or self.wrong:
            return (
                f"verdict: of {self.results} results, {self.wrong} differ and {self.failed} could "
                "not be counted"
            )
        if not self.compared:
            why = (
                "the vendor runs none of the attention modes"
                if report["vendor_counter"]
                else "analytic only"
            )
            return f"verdict: nothing was checked: {why}"
        own = with_own_formulas(OwnFormula(**formula) for formula in report["own_formulas"])
        text = f"verdict: verified{own}, vendor = analytic to the last FLOP in every component of "
        text += plural(self.compared, "result")
        return text + (f", {self.by_law} of them by a law" if self.by_law else "")


def _each(report: Mapping[str, Any]) -> Iterator[tuple[str, str, tuple[Any, ...]]]:
    """Yield the label, the stage and what is told of the vendor, of each result."""
    stages = [stage["name"] for stage in report["stages"]]
    for point in _told(report["points"], stages):
        for stage in stages:
            yield point["label"], stage, tuple(point[stage][name] for name in _TOLD)


def _told(points: Any, stages: list[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the points, without what a verdict does not depend on if they are a `Table`."""
    if not isinstance(points, Table):
        yield from points
        return
    for groups in points.chunks():
        yield from ordered([Group(group.indices, _part(group.tree, stages)) for group in groups])


def _part(tree: Tree, stages: list[str]) -> Tree:
    told = {stage: {name: tree[stage][name] for name in _TOLD} for stage in stages}
    return {"label": tree["label"], **told}
