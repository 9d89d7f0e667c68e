"""Both figures of a stage: its bound with its components', and its floor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from flopbench.analytic.price import StagePrice
from flopbench.hardware.bounds import Bound, component_bounds
from flopbench.hardware.floor import Floor, stage_floor
from flopbench.hardware.machine import Machine


@frozen(eq=False)
class StageTimes:
    """What bounds the time of a stage on a GPU. Times of stages that follow each other add up.

    Attributes:
        components: the bound of each component.
    """

    components: Mapping[str, Bound]
    floor: Floor

    @classmethod
    def of(
        cls, priced: StagePrice, machine: Machine, least: StagePrice | None = None
    ) -> StageTimes:
        """Return the times of a stage that is not composed.

        Args:
            priced: the stage in the attention mode whose bound is asked for.
            least: the same without any attention work that can be left out. The floor is the lower
                one of both, since a mode may also do less than that.

        Raises:
            UsageError: the GPU has no peak for the dtype of a product.
        """
        floors = [stage_floor(each, machine) for each in (least, priced) if each is not None]
        return cls(component_bounds(priced, machine), min(floors, key=lambda floor: floor.ms))

    @property
    def bound(self) -> Bound:
        """The bound of the stage: the sum of its components'."""
        return sum(self.components.values(), Bound())

    def __add__(self, other: StageTimes) -> StageTimes:
        both = dict(self.components)
        for name, bound in other.components.items():
            both[name] = both.get(name, Bound()) + bound
        return StageTimes(both, self.floor + other.floor)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        parts = {name: bound.to_dict() for name, bound in self.components.items()}
        return {**self.bound.to_dict(), "floor": self.floor.to_dict(), "components": parts}
