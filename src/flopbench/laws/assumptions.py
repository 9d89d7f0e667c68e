"""What a law holds under: relations that a program asked about, and sizes it was not traced at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sympy
from attrs import define, field

from flopbench.dims.forms import STEP
from flopbench.errors import CountError
from flopbench.laws.law import Key, Slice
from flopbench.laws.step_ranges import from_first_step, is_about_steps, is_bound, strongest, tidy

MANY_WAYS = "the program runs in more than two ways as steps go on"


@define(eq=False)
class Assumptions:
    """What a law holds under.

    Attributes:
        notes: sentences.
        guards: relations between sizes, each with the sizes that were fixed when it was met.
        slices: small sizes at which other forms hold, by module and op, of one step.
        uncounted: most calls of ops without a formula that were met in one step.
    """

    notes: dict[str, None] = field(factory=dict)
    guards: list[tuple[sympy.Basic, Mapping[str, int]]] = field(factory=list)
    slices: list[Slice] = field(factory=list)
    uncounted: dict[Key, int] = field(factory=dict)

    def meet(self, uncounted: Mapping[Key, int]) -> None:
        """Keep what some sizes or steps leave uncounted: a law is not for all without it."""
        for key, calls in uncounted.items():
            self.uncounted[key] = max(calls, self.uncounted.get(key, 0))

    def add(self, guards: Iterable[sympy.Basic], fixed: Mapping[str, int]) -> None:
        """Keep relations that a call asked about, with the sizes that were fixed in it."""
        found = [tidy(from_first_step(guard)) for guard in guards]
        self.guards += [(guard, fixed) for guard in found if guard != sympy.true]

    @property
    def general(self) -> tuple[sympy.Basic, ...]:
        """The guards that were met with no size fixed."""
        return tuple(guard for guard, fixed in self.guards if not fixed)

    @property
    def local(self) -> tuple[tuple[sympy.Basic, Mapping[str, int]], ...]:
        """The guards that were met with sizes fixed, and these."""
        return tuple((guard, fixed) for guard, fixed in self.guards if fixed)

    def take_steps(self) -> list[sympy.Basic]:
        """Take out, and return, the guards that decide on the number of the step alone."""
        taken = [guard for guard, fixed in self.guards if not fixed and is_about_steps(guard)]
        self.guards = [(g, fixed) for g, fixed in self.guards if g not in taken]
        return taken

    def exclude(self, sizes: Mapping[str, int]) -> bool:
        """Tell whether a guard that holds in general rules these sizes out."""
        return any(_put_in(guard, sizes) == sympy.false for guard in self.general)

    def require_all_steps(self) -> None:
        """Refuse guards that are about some of the steps of every run, whatever its sizes.

        Raises:
            CountError: there is one that neither bounds the sizes nor follows from one that does.
        """
        for guard, fixed in self.guards:
            follows = any(tidy(_put_in(general, fixed)) == guard for general in self.general)
            alone = guard.free_symbols == {STEP} and not (fixed and follows)
            if alone or (STEP in guard.free_symbols and not is_bound(guard)):
                raise CountError(f"{MANY_WAYS}: it asks whether {guard}")

    def in_all_steps(self, steps: Any) -> list[sympy.Basic]:
        """Return the general guards as relations of sizes that hold in all steps."""
        return strongest(_in_all_steps(guard, steps) for guard in self.general)

    def texts(self, steps: Any) -> tuple[str, ...]:
        relations = [str(guard) for guard in self.in_all_steps(steps)] + [
            f"{_in_all_steps(guard, steps)} (where {equations(fixed)})"
            for guard, fixed in self.guards
            if fixed and not any(tidy(_put_in(general, fixed)) == guard for general in self.general)
        ]
        return tuple(dict.fromkeys((*relations, *self.notes)))


def equations(values: Mapping[str, int]) -> str:
    """Say that sizes have values."""
    return ", ".join(f"{name} = {value}" for name, value in values.items())


def _put_in(guard: sympy.Basic, fixed: Mapping[str, int]) -> sympy.Basic:
    return guard.subs({s: fixed[s.name] for s in guard.free_symbols if s.name in fixed})


def _in_all_steps(guard: sympy.Basic, steps: Any) -> sympy.Basic:
    """Say a relation that holds up to some step in the number of steps, the last of them."""
    return tidy(guard.subs(STEP, steps)) if is_bound(guard) else guard
