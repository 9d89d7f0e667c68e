"""Where a block runs: under which component, how often, and with what else alive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import attrs
from attrs import Factory, frozen

from flopbench.dims import Dim
from flopbench.ops import STREAM, Op, Unit
from flopbench.storage import Scheme

OpT = TypeVar("OpT", bound=Op)


@frozen(eq=False)
class Site:
    """A place in a model where a block runs.

    Attributes:
        component: slash-separated path that the block's operations are reported under.
        layers: identical copies, each with its own weights.
        steps: runs of each copy.
        alive_meanwhile: elements alive while the block runs, without its own: the residual, say.
        unit: the layer that the block is in, if any.
        takes, gives: names of the values that it works on and makes (`flopbench.ops.Op`).
        schemes: how weights are stored where that differs from what the model's storage says, by
            component and role: ``decoder/attention/qkv.q``, for example.
    """

    component: str
    layers: Dim = 1
    steps: Dim = 1
    alive_meanwhile: Dim = 0
    unit: Unit | None = None
    takes: str = STREAM
    gives: str = STREAM
    schemes: Mapping[str, Scheme] = Factory(dict)

    def at(self, part: str) -> Site:
        """Return the same place under a component below this one."""
        return attrs.evolve(self, component=f"{self.component}/{part}")

    def between(self, takes: str, gives: str) -> Site:
        """Return the same place with other values to work on and to make."""
        return attrs.evolve(self, takes=takes, gives=gives)

    def with_alive(self, elements: Dim) -> Site:
        """Return the same place with more elements alive."""
        return attrs.evolve(self, alive_meanwhile=self.alive_meanwhile + elements)

    def op(self, kind: type[OpT], /, *, role: str = "", **sizes: Any) -> OpT:
        """Return an operation of the given kind at this place.

        Args:
            sizes: fields of the operation; unless ``takes`` and ``gives`` are among them, it works
                on one value and makes one, as the block does.
            role: what its weights are in the component, such as ``q``, if they may be quantised.
        """
        flow = {"takes": (self.takes,), "gives": self.gives}
        return kind(
            component=self.component,
            layers=self.layers,
            steps=self.steps,
            alive_meanwhile=self.alive_meanwhile,
            scheme=self.schemes.get(f"{self.component}.{role}") if role else None,
            role=role,
            unit=self.unit,
            **(flow | sizes),
        )
