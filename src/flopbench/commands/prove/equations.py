"""Subtract the two sides of a stage, component by component, and derive a verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import sympy
from attrs import frozen

from flopbench.commands.prove.proof import Equation, ProofVerdict, Term, worst
from flopbench.dims.forms import symbol, terms
from flopbench.laws.guards import in_chunks
from flopbench.laws.law import Key, Law
from flopbench.vendor.attribution import Failed
from flopbench.vendor.method import Method

Forms = Mapping[Key, sympy.Expr]
"""Closed forms by component and op."""

At = Callable[[Mapping[str, int]], Forms]
"""Closed forms where some sizes are numbers."""


def equations(
    stage: str, analytic: Forms, law: Law | Failed, at: At | None = None
) -> list[Equation]:
    """Return the equation of a stage that is not a sum, then those of its components.

    Args:
        at: prices the stage where some sizes are numbers; by default they are put into the forms.
    """
    if isinstance(law, Failed):
        return [_not_counted(stage, analytic, law.reason)]
    names = dict.fromkeys(component for component, _op in (*analytic, *law.forms))
    names |= dict.fromkeys(op.component for op in law.uncounted)
    there = tuple((at or partial(_put_in_sizes, analytic))(piece.sizes) for piece in law.slices)
    for forms in (*there, *(piece.forms for piece in law.slices)):
        names |= dict.fromkeys(component for component, _op in forms)
    components = [_Component(stage, name, analytic, law, there).equation() for name in names]
    return [_whole(stage, components, law), *components]


def composed(stage: str, parts: list[Equation]) -> Equation:
    """Return the equation of a stage that sums others: proved only if each of them is.

    A part without matrix work on either side, such as an optimizer's step, adds nothing to prove.
    """
    parts = [part for part in parts if not _is_nothing(part)] or parts
    if any(part.vendor is None for part in parts):
        vendor = difference = None
    else:
        vendor = sympy.expand(sum(part.vendor for part in parts if part.vendor is not None))
    analytic = sympy.expand(sum(part.analytic for part in parts))
    parted = [part.difference for part in parts if part.difference is not None]
    difference = None if vendor is None else sympy.expand(sum(parted))
    reasons = [f"{part.stage}: {part.reason}" for part in parts if part.reason]
    return Equation(
        stage=stage,
        component=None,
        vendor=vendor,
        analytic=analytic,
        difference=difference,
        verdict=worst([part.verdict for part in parts]),
        reason="; ".join(reasons) or None,
        assumptions=tuple(dict.fromkeys(note for part in parts for note in part.assumptions)),
        limited=any(part.limited for part in parts),
        terms=() if vendor is None else _differing(vendor, analytic),
        uncounted=tuple(op for part in parts for op in part.uncounted),
    )


def _is_nothing(part: Equation) -> bool:
    return part.vendor == 0 and part.analytic == 0 and not part.uncounted


def _put_in_sizes(forms: Forms, sizes: Mapping[str, int]) -> Forms:
    """Return closed forms with some sizes put in."""
    names = {name for form in forms.values() for name in form.free_symbols}
    values = {name: sizes[name.name] for name in names if name.name in sizes}
    return {key: form.subs(values) for key, form in forms.items()}


def _not_counted(stage: str, analytic: Forms, reason: str) -> Equation:
    return Equation(
        stage=stage,
        component=None,
        vendor=None,
        analytic=sympy.expand(sum(analytic.values())),
        difference=None,
        verdict="incomplete",
        reason=reason,
    )


def _whole(stage: str, components: list[Equation], law: Law) -> Equation:
    vendor = sympy.expand(sum(law.forms.values()))
    analytic = sympy.expand(sum(c.analytic for c in components))
    verdict = worst([c.verdict for c in components]) if components else "incomplete"
    reasons = [f"{c.component}: {c.reason}" for c in components if c.reason]
    if vendor == 0:
        verdict, reasons = "incomplete", ["the counter saw no FLOPs at all, which proves nothing"]
    return Equation(
        stage=stage,
        component=None,
        vendor=vendor,
        analytic=analytic,
        difference=_difference(analytic, vendor, law),
        verdict=verdict,
        reason="; ".join(reasons) or None,
        assumptions=law.assumptions,
        limited=law.limited,
        terms=_differing(vendor, analytic),
        uncounted=tuple(op for c in components for op in c.uncounted),
    )


@frozen(eq=False)
class _Component:
    stage: str
    name: str
    analytic: Forms
    law: Law
    there: tuple[Forms, ...]

    def equation(self) -> Equation:
        ours, theirs = _ops(self.analytic, self.name), _ops(self.law.forms, self.name)
        vendor, analytic = sympy.expand(sum(theirs.values())), sympy.expand(sum(ours.values()))
        verdict, reason = self._verdict(vendor, analytic)
        return Equation(
            stage=self.stage,
            component=self.name,
            vendor=vendor,
            analytic=analytic,
            difference=_difference(analytic, vendor, self.law),
            verdict=verdict,
            reason=reason,
            assumptions=self.law.assumptions,
            limited=self.law.limited,
            terms=_differing(vendor, analytic),
            uncounted=tuple(op for op in self.law.uncounted if op.component == self.name),
            vendor_ops=theirs,
            analytic_ops=ours,
        )

    def _verdict(self, vendor: sympy.Expr, analytic: sympy.Expr) -> tuple[ProofVerdict, str | None]:
        uncounted = {op.op for op in self.law.uncounted if op.component == self.name}
        if uncounted:
            names = ", ".join(sorted(uncounted))
            return "incomplete", f"the vendor runs ops that the counter has no formula for: {names}"
        for where, difference in self._differences(vendor, analytic):
            if difference == 0:
                continue
            if self.law.method is Method.INTERPOLATED and difference.has(sympy.Min, sympy.Max):
                return "incomplete", (
                    "the vendor's law was interpolated from small sizes, and the closed form bends "
                    "at larger ones, such as a window's; `flopbench run` compares any one size"
                )
            if _is_another(difference, self.law.guards):
                return "differs", f"analytic minus vendor is {difference}{where}"
            return "incomplete", (
                f"SymPy cannot decide whether {difference} is 0{where}; with fewer open sizes "
                "(--symbols) it might"
            )
        if self.law.method is Method.INTERPOLATED:
            return "interpolated", "not every size stayed a symbol"
        return "proved", None

    def _differences(
        self, vendor: sympy.Expr, analytic: sympy.Expr
    ) -> Iterator[tuple[str, sympy.Expr]]:
        """Yield analytic minus vendor where the law holds, then at each of its exceptions."""
        yield "", _difference(analytic, vendor, self.law)
        for piece, forms in zip(self.law.slices, self.there, strict=True):
            ours = sympy.Add(*_ops(forms, self.name).values())
            there = sympy.Add(*_ops(piece.forms, self.name).values())
            where = ", ".join(f"{name} = {value}" for name, value in piece.sizes.items())
            guards = self.law.guards_at(piece.sizes)
            difference = simplified(ours - there, guards)
            yield f", where {where}: the program runs differently there", difference


def _difference(analytic: sympy.Expr, vendor: sympy.Expr, law: Law) -> sympy.Expr:
    """Return analytic minus vendor where the law holds: beyond the small sizes, if those differ."""
    guards = [*law.guards]
    for size in analytic.free_symbols:
        values = sorted(p.sizes[size.name] for p in law.slices if set(p.sizes) == {size.name})
        if values and values == [*range(1, len(values) + 1)]:
            guards.append(size > values[-1])
    return simplified(analytic - vendor, tuple(guards))


def _ops(forms: Forms, component: str) -> dict[str, sympy.Expr]:
    return {op: form for (name, op), form in forms.items() if name == component}


def _differing(vendor: sympy.Expr, analytic: sympy.Expr) -> tuple[Term, ...]:
    theirs, ours = terms(vendor), terms(analytic)
    zero = sympy.Integer(0)
    both = [(t, theirs.get(t, zero), ours.get(t, zero)) for t in {**theirs, **ours}]
    return tuple(Term(*found) for found in both if found[1] != found[2])


def simplified(difference: sympy.Expr, guards: tuple[sympy.Basic, ...]) -> sympy.Expr:
    """Return the difference, expanded; 0 if it is 0 wherever the guards hold.

    A bound on one size, such as S < 4095, is substituted as S = 4094 - u with u >= 0, from which
    SymPy sees that Min(S, 4095) is S.
    """
    difference = sympy.expand(in_chunks(difference))
    if difference.is_polynomial():
        return difference
    if _is_zero_by_cases(difference):
        return sympy.Integer(0)
    if any(sympy.expand(f) == 0 for guard in guards for f in _put_in(difference, guard)):
        return sympy.Integer(0)
    if sympy.simplify(difference) == 0:
        return sympy.Integer(0)
    return difference


def _is_zero_by_cases(form: sympy.Expr) -> bool:
    """Return whether a form with terms Min(size, number) is 0 below, between and above the numbers.

    Also False if the form has another structure.
    """
    minima = form.atoms(sympy.Min)
    names = {name for minimum in minima for name in minimum.free_symbols}
    bounds = {minimum: [a for a in minimum.args if a.is_Integer] for minimum in minima}
    if len(names) != 1 or any(len(m.args) != len(b) + 1 or len(b) != 1 for m, b in bounds.items()):
        return False
    (name,) = names
    if any(name not in minimum.args for minimum in minima):
        return False
    numbers = [bound for (bound,) in bounds.values()]
    low, high = min(numbers), max(numbers)
    if high - low > _MOST_CASES:
        return False
    cases = [
        form.subs(dict.fromkeys(minima, name)),
        form.subs({m: b[0] for m, b in bounds.items()}),
    ]
    cases += [form.subs(name, value) for value in range(int(low), int(high) + 1)]
    return all(sympy.expand(case) == 0 for case in cases)


_MOST_CASES = 64


def _put_in(form: sympy.Expr, guard: sympy.Basic) -> Iterator[sympy.Expr]:
    """Yield the form with a bound on a sum of sizes substituted, once for each size.

    S + K < 9 becomes S = 8 - K - u with u >= 0. Where S is a multiple of m, ceiling(S/m) is S/m.
    """
    if not isinstance(guard, sympy.Rel):
        return
    if isinstance(guard, sympy.Equality) and isinstance(guard.lhs, sympy.Mod) and guard.rhs == 0:
        whole, chunk = guard.lhs.args
        yield form.subs(sympy.ceiling(whole / chunk), whole / chunk)
    slack = sympy.Dummy("u", integer=True, nonnegative=True)
    strict = int(isinstance(guard, sympy.StrictLessThan | sympy.StrictGreaterThan))
    if isinstance(guard, sympy.StrictLessThan | sympy.LessThan):
        most = guard.rhs - strict - slack
    elif isinstance(guard, sympy.StrictGreaterThan | sympy.GreaterThan):
        most = guard.rhs + strict + slack
    else:
        return
    for size in sorted(guard.lhs.free_symbols, key=str):
        others = guard.lhs - size
        if not others.has(size):
            yield form.subs(size, most - others)


_PROBES = (1, 2, 3, 7, 100, 5_000, 100_003)


def _is_another(difference: sympy.Expr, guards: tuple[sympy.Basic, ...]) -> bool:
    """Return whether the difference is not 0 at some sizes that the guards allow."""
    names = sorted(difference.free_symbols, key=str)
    points = [{n: probe + 3 * i for i, n in enumerate(names)} for probe in _PROBES]
    return any(difference.subs(p).doit() != 0 for p in points if _allowed(p, guards))


def _allowed(point: Mapping[sympy.Symbol, int], guards: tuple[sympy.Basic, ...]) -> bool:
    """Return whether no guard rules out a point, in the first step or in the last.

    One of the sizes is the number of steps. Whichever it is, the guards must hold in that step.
    """
    step = symbol("k")
    points = [{**point, step: number} for number in {1, *point.values()}]
    return all(guard.subs(at) != sympy.false for guard in guards for at in points)
