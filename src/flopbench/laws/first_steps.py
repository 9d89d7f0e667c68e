"""Traces of a first step, which stand for those of later steps.

Where a stage's step k at S tokens is the first one at S + k - 1 (`VendorStage.grows`), a trace of
the first step, at any S, is one of every step: S + k - 1 is put in. What holds for an S of 2 and
more holds for every such sum of 2 and more, so one trace serves open steps, open tokens, and both.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import sympy
from attrs import define, evolve, field, frozen

from flopbench.dims.forms import STEP
from flopbench.laws.law import put_in
from flopbench.laws.opened import Opened
from flopbench.vendor import Trace

Examples = Mapping[sympy.Symbol, int]


@frozen
class _First:
    """The first step that is some step: sizes of it that are fixed, open, and the sum that one is.

    Attributes:
        examples: of its open sizes.
        size: the symbol that stands for the sum.
    """

    fixed: Mapping[str, int]
    examples: Examples
    size: sympy.Symbol
    sum: sympy.Expr

    def put_in(self, trace: Trace) -> Trace:
        """Return a trace of the first step as one of the step that it is."""
        put = {self.size: self.sum}
        forms = {form: form.subs(put) for form in {*trace.flops.values()}}
        guards = (guard.subs(put) for guard in trace.guards)
        return evolve(
            trace,
            flops={key: forms[form] for key, form in trace.flops.items()},
            guards=tuple(g for g in dict.fromkeys(guards) if g != sympy.true),
        )


@define(eq=False)
class FirstSteps:
    """The first steps that were traced in a search for a law."""

    _known: dict[Hashable, list[Trace]] = field(factory=dict)

    def trace(
        self,
        opened: Opened,
        fixed: Mapping[str, int],
        examples: Examples,
        counting: Hashable,
        trace: Callable[[Mapping[str, int], Examples], Trace],
    ) -> Trace:
        """Trace a call, or find the trace of a first step that is one of it.

        Args:
            counting: what tells ways to count apart.
            trace: traces the call with some sizes fixed and others open.

        Raises:
            CountError: the call cannot be traced.
        """
        first = _first(opened, fixed, examples)
        if first is None:
            return trace(fixed, examples)
        key = counting, frozenset(first.examples), frozenset(first.fixed.items())
        own = {symbol.name: value for symbol, value in first.examples.items()}
        for known in self._known.get(key, []):
            if all(put_in(guard, own) == sympy.true for guard in known.guards):
                return first.put_in(known)
        found = trace(first.fixed, first.examples)
        if found.bound:  # the size is not its own symbol any more
            return trace(fixed, examples)
        self._known.setdefault(key, []).append(found)
        return first.put_in(found)


def _first(opened: Opened, fixed: Mapping[str, int], examples: Examples) -> _First | None:
    """Return the first step that a step is; None if it is no other, or has no size open."""
    size, step = (opened.symbols.get(name) for name in (opened.grows or "", STEP.name))
    if size is None or step is None or not {size, step} & examples.keys():
        return None
    here: dict[sympy.Symbol, Any] = {each: each for each in examples}
    here |= {each: fixed[each.name] for each in (size, step) if each.name in fixed}
    value = sum(examples.get(each, here[each]) for each in (size, step)) - 1
    others = {each: v for each, v in examples.items() if each not in {size, step}}
    if value in others.values():  # examples must differ
        return None
    kept = {name: v for name, v in fixed.items() if name not in {size.name, step.name}}
    return _First(
        {**kept, step.name: 1}, {**others, size: value}, size, here[size] + here[step] - 1
    )
