"""A law: the vendor's cost of a stage as closed forms in the stage's sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import sympy
from attrs import frozen

from flopbench.dims import Dim
from flopbench.forms import STEP, evaluate
from flopbench.model import AnalyticModel, Size
from flopbench.report import UncountedOp
from flopbench.vendor import VendorCounter, VendorModel

Method = Literal["symbolic", "interpolated"]

Key = tuple[str, str]
"""Component (or module) and op."""


@frozen(eq=False)
class Law:
    """FLOPs of a stage, over all its steps.

    Attributes:
        forms: closed forms in the open sizes, by component and op.
        uncounted: ops that do matrix work and have no formula; calls of one step.
        assumptions: what the law holds under, one sentence or relation each.
        guards: those assumptions that are relations between the sizes.
        method: ``symbolic`` if every size stayed one, else ``interpolated``.
    """

    forms: Mapping[Key, sympy.Expr]
    uncounted: tuple[UncountedOp, ...] = ()
    assumptions: tuple[str, ...] = ()
    guards: tuple[sympy.Basic, ...] = ()
    method: Method = "symbolic"

    def holds_at(self, sizes: Mapping[str, int], steps: int = 1) -> bool:
        """Tell whether the guards hold at these sizes, in the first and in the last step.

        Guards are relations linear in the step's number: what holds at both ends holds
        between them.
        """
        points = [{**sizes, STEP.name: step} for step in (1, steps)]
        return all(
            guard.subs({s: point[s.name] for s in guard.free_symbols}) == sympy.true
            for guard in self.guards
            for point in points
        )

    def at(self, sizes: Mapping[str, Dim]) -> dict[Key, Dim]:
        """Evaluate the law on ints or integer arrays: FLOPs by component and op."""
        return {key: evaluate(form, sizes) for key, form in self.forms.items()}


@frozen(kw_only=True)
class Subject:
    """What a law is about: a stage of a workload, and who counts it.

    Attributes:
        open_sizes: the sizes to leave open, of those that the stage has.
        everywhere: whether the law is wanted for all values of the open sizes, or only where
            none is below 2; and then from a trace or not at all.
    """

    vendor: VendorModel
    counter: VendorCounter
    model: AnalyticModel
    stage: str
    workload: Any
    open_sizes: tuple[Size, ...]
    everywhere: bool = True
