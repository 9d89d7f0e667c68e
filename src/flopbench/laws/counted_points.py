"""Counts at many points, for interpolation: layers that are equal are run once.

What equal layers are is an assumption (`flopbench.laws.equal_layers`). It is held against a count
of every layer, module by module, at the first point, and again each time that one of the sizes
has become a few times larger: small pages may run as large ones do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from attrs import define, field

from flopbench.laws.equal_layers import by_module
from flopbench.text import key_values, plural
from flopbench.vendor import Count, SymbolicCounter, VendorCounter

Sizes = Mapping[str, int]

_FARTHER = 4
"""Points a size of which is this many times as large as at those that were held are held, too."""

_SHOWN = 3


class LayersDifferError(Exception):
    """Layers that were taken as equal are not: all that was counted once is in doubt."""


@define(eq=False)
class CountedPoints:
    """Counts of a call at points, and where every layer was counted.

    Attributes:
        every_layer: whether each layer is run at each point.
    """

    every_layer: bool = False
    _held: dict[str, int] = field(factory=dict)
    _once: int = 0
    _at: list[str] = field(factory=list)

    @property
    def took_layers_as_equal(self) -> bool:
        """Whether a count left layers out."""
        return self._once > 0

    def count(
        self, counter: VendorCounter, run: Callable[[VendorCounter], Count], sizes: Sizes
    ) -> Count:
        """Count a call at some sizes.

        Args:
            run: runs the call there, and counts it with a counter.

        Raises:
            LayersDifferError: layers that seem equal are not.
            CountError: the call fails.
        """
        once = counter
        if not self.every_layer and isinstance(counter, SymbolicCounter):
            once = counter.with_equal_layers_once()
        if once is counter:
            return run(counter)
        self._once += 1  # what fails may fail for want of a layer
        found = run(once)
        reached = {name: max(1, size) for name, size in sizes.items()}
        if any(size >= _FARTHER * self._held.get(name, 0) for name, size in reached.items()):
            if by_module(found) != by_module(run(counter)):
                raise LayersDifferError
            self._held = {n: max(size, self._held.get(n, 0)) for n, size in reached.items()}
            self._at.append(", ".join(key_values(sizes)))
        return found

    def texts(self) -> Iterator[str]:
        """Yield what a law assumes of these counts."""
        if self.took_layers_as_equal:
            at = "; ".join(_some(self._at))
            yield (
                f"layers that are equal but for their index were run once in counts at "
                f"{plural(self._once, 'point')}, and each module of each layer was counted at {at}"
            )


def _some(places: Sequence[str]) -> Sequence[str]:
    """Return a few places, and how many more there are."""
    left = len(places) - _SHOWN
    return places if left <= 0 else [*places[: _SHOWN - 1], places[-1], f"and {left} more"]
