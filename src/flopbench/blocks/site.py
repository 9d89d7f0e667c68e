"""Where a block runs: under which component, how often, and with what else alive."""

from __future__ import annotations

from typing import Any, TypeVar

import attrs
from attrs import frozen

from flopbench.dims import Dim
from flopbench.ops import Op

OpT = TypeVar("OpT", bound=Op)


@frozen(eq=False)
class Site:
    """A place in a model where a block runs.

    Attributes:
        component: slash-separated path that the block's operations are reported under.
        layers: identical copies, each with its own weights.
        steps: runs of each copy.
        alive_meanwhile: elements alive while the block runs, without its own: the residual, say.
    """

    component: str
    layers: Dim = 1
    steps: Dim = 1
    alive_meanwhile: Dim = 0

    def at(self, part: str) -> Site:
        """Return the same place under a component below this one."""
        return attrs.evolve(self, component=f"{self.component}/{part}")

    def with_alive(self, elements: Dim) -> Site:
        """Return the same place with more elements alive."""
        return attrs.evolve(self, alive_meanwhile=self.alive_meanwhile + elements)

    def op(self, kind: type[OpT], /, **sizes: Any) -> OpT:
        """Return an operation of the given kind at this place."""
        return kind(
            component=self.component,
            layers=self.layers,
            steps=self.steps,
            alive_meanwhile=self.alive_meanwhile,
            **sizes,
        )
