"""The run of each point of a sweep: one for all, unless points vary more than the workload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flopbench.analytic import SweepPoint
from flopbench.commands.sweep.by_hand import axes_by_hand
from flopbench.commands.sweep.points import Product, VariedPoint
from flopbench.digests import canonical
from flopbench.errors import UsageError
from flopbench.plan import Plan, make_plan
from flopbench.plan.plan import refuse_hardware, require_closed_forms
from flopbench.registry.catalog import Catalog

if TYPE_CHECKING:
    from flopbench.commands.sweep.request import SweepRequest


class PointPlans:
    """The runs of a sweep's points, each made once."""

    def __init__(self, catalog: Catalog, request: SweepRequest) -> None:
        self._catalog, self._request = catalog, request
        self._made: dict[str, Plan] = {}

    def first(self) -> Plan:
        """Return the run of the first point, so that no model is made that no point has."""
        by_hand = self._request.vary and not self._request.name
        return self.at(Product(axes_by_hand(self._request.vary))[0] if by_hand else None)

    def at(self, point: SweepPoint | None) -> Plan:
        """Return the run of a point; None for what no point changes.

        Raises:
            UsageError: a value is wrong, or the model has no closed forms.
        """
        settings = point.settings if isinstance(point, VariedPoint) else {}
        key = canonical(settings)
        if key not in self._made:
            where = f"point {point.label}: " if point and settings else ""
            try:
                self._made[key] = self._plan(settings)
            except UsageError as error:
                raise UsageError(f"{where}{error}") from error
        return self._made[key]

    def _plan(self, settings: Mapping[str, Any]) -> Plan:
        request = self._request
        plan = make_plan(
            self._catalog,
            request.model,
            file=request.file,
            overrides=request.overrides,
            options={**request.options, **settings},
        )
        refuse_hardware(plan)
        require_closed_forms(plan.model)
        return plan
