"""What a law assumes: relations that a program tested, and sizes it was not traced at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sympy
from attrs import define, field

from flopbench.dims.forms import STEP
from flopbench.errors import CountError
from flopbench.laws.guards import reduced
from flopbench.laws.law import Key, Slice, put_in
from flopbench.laws.step_ranges import from_first_step, is_about_steps, is_bound, strongest, tidy

MANY_WAYS = "the program runs in more than two different ways over the steps"


@define(eq=False)
class Assumptions:
    """The conditions that a law holds under.

    Attributes:
        notes: assumptions in words, one sentence each.
        guards: relations between sizes, each with the sizes that were fixed when it was found.
        slices: small sizes at which other forms hold; the forms are of one step, by module and op.
        uncounted: ops without a formula, each with the most calls seen in one step.
        interpolated: sizes that did not stay symbolic, each with the reason.
    """

    notes: dict[str, None] = field(factory=dict)
    guards: list[tuple[sympy.Basic, Mapping[str, int]]] = field(factory=list)
    slices: list[Slice] = field(factory=list)
    uncounted: dict[Key, int] = field(factory=dict)
    interpolated: dict[str, str] = field(factory=dict)

    def meet(self, uncounted: Mapping[Key, int]) -> None:
        """Record ops that are uncounted at some sizes or steps; a law for all must list them."""
        for key, calls in uncounted.items():
            self.uncounted[key] = max(calls, self.uncounted.get(key, 0))

    def add(self, guards: Iterable[sympy.Basic], fixed: Mapping[str, int]) -> None:
        """Record relations that a call tested, with the sizes that were fixed in it."""
        found = reduced(tidy(from_first_step(guard)) for guard in guards)
        self.guards += [(guard, fixed) for guard in found]

    @property
    def general(self) -> tuple[sympy.Basic, ...]:
        """The guards that were found with no size fixed."""
        return tuple(guard for guard, fixed in self.guards if not fixed)

    @property
    def local(self) -> tuple[tuple[sympy.Basic, Mapping[str, int]], ...]:
        """The guards that were found with sizes fixed, each with those sizes."""
        return tuple((guard, fixed) for guard, fixed in self.guards if fixed)

    def take_steps(self) -> list[sympy.Basic]:
        """Remove and return the guards that depend on the step number alone."""
        taken = [guard for guard, fixed in self.guards if not fixed and is_about_steps(guard)]
        self.guards = [(g, fixed) for g, fixed in self.guards if g not in taken]
        return taken

    def exclude(self, sizes: Mapping[str, int]) -> bool:
        """Return whether a general guard rules out these sizes."""
        return any(put_in(guard, sizes) == sympy.false for guard in self.general)

    def require_all_steps(self) -> None:
        """Refuse guards that concern some of the steps of every run, whatever its sizes.

        Raises:
            CountError: a guard neither bounds the sizes nor follows from one that does.
        """
        for guard, fixed in self.guards:
            follows = any(tidy(put_in(general, fixed)) == guard for general in self.general)
            alone = guard.free_symbols == {STEP} and not (fixed and follows)
            if alone or (STEP in guard.free_symbols and not is_bound(guard)):
                raise CountError(f"{MANY_WAYS}: it tests whether {guard}")

    def in_all_steps(self, steps: Any) -> list[sympy.Basic]:
        """Return the general guards as relations between sizes that hold in all steps."""
        return strongest(_in_all_steps(guard, steps) for guard in self.general)

    def texts(self, steps: Any) -> tuple[str, ...]:
        relations = [str(guard) for guard in self.in_all_steps(steps)] + [
            f"{_in_all_steps(guard, steps)} (where {equations(fixed)})"
            for guard, fixed in self.guards
            if fixed and not any(tidy(put_in(general, fixed)) == guard for general in self.general)
        ]
        return tuple(dict.fromkeys((*relations, *self.notes)))


def equations(values: Mapping[str, int]) -> str:
    """Write sizes and their values as equations."""
    return ", ".join(f"{name} = {value}" for name, value in values.items())


def _in_all_steps(guard: sympy.Basic, steps: Any) -> sympy.Basic:
    """Write a relation that holds up to some step in terms of the last one, the number of steps."""
    return tidy(guard.subs(STEP, steps)) if is_bound(guard) else guard
