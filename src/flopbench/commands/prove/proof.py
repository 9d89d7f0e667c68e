"""The proof: plain frozen data that says for which sizes vendor and analytic FLOPs are equal.

`to_dict` gives the JSON form, documented in docs/proof-schema.md. Closed forms are text
that SymPy parses; what could not be found is null.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import attrs
import sympy
from attrs import frozen

from flopbench.analytic import Size, Stage
from flopbench.laws.law import Law
from flopbench.report import UncountedOp
from flopbench.text import json_data
from flopbench.values import Node, Value
from flopbench.values.value import Format
from flopbench.vendor import OwnFormula

PROOF_SCHEMA_VERSION = "1.1"

ProofVerdict = Literal["proved", "interpolated", "differs", "incomplete"]

FAILURES: frozenset[ProofVerdict] = frozenset({"differs", "incomplete"})


@frozen
class Term:
    """One term of two closed forms whose coefficients differ, such as ``B*S**2``."""

    term: sympy.Expr
    vendor: sympy.Expr
    analytic: sympy.Expr

    @property
    def difference(self) -> sympy.Expr:
        """Analytic minus vendor."""
        return self.analytic - self.vendor


@frozen(kw_only=True)
class Equation:
    """Both sides of a stage, or of one of its components.

    Attributes:
        component: None for the whole stage.
        vendor: None if the vendor could not be counted.
        difference: analytic minus vendor; None if there is no vendor form.
        assumptions: those under which the verdict holds.
        limited: whether some of them are relations between the sizes.
        reason: why the verdict is not ``proved``.
        terms: those whose coefficients differ.
        vendor_ops, analytic_ops: the two sides by op.
    """

    stage: str
    component: str | None
    vendor: sympy.Expr | None
    analytic: sympy.Expr
    difference: sympy.Expr | None
    verdict: ProofVerdict
    assumptions: tuple[str, ...] = ()
    limited: bool = False
    reason: str | None = None
    terms: tuple[Term, ...] = ()
    uncounted: tuple[UncountedOp, ...] = ()
    vendor_ops: Mapping[str, sympy.Expr] = attrs.Factory(dict)
    analytic_ops: Mapping[str, sympy.Expr] = attrs.Factory(dict)


@frozen(kw_only=True)
class Proof(Value):
    """What `flopbench prove` found.

    Attributes:
        sizes: the sizes that are open.
        workload: the sizes that are not open, and all else that the workload sets.
        settings: those of the model and of the vendor, by section.
        equations: per stage the whole, then its components.
        assumptions: what holds for the whole model, and which own formulas counted.
        own_formulas: the counter's own formulas that gave some of its numbers.
        laws: the vendor's law of each stage that is no sum, where one was found.
    """

    model: str
    counter: str
    sizes: tuple[Size, ...]
    stages: tuple[Stage, ...]
    workload: Mapping[str, Any]
    settings: Mapping[str, Any] = attrs.Factory(dict)
    equations: tuple[Equation, ...]
    versions: Mapping[str, str]
    vendor: Mapping[str, str]
    assumptions: tuple[str, ...]
    own_formulas: tuple[OwnFormula, ...] = ()
    laws: Mapping[str, Law] = attrs.field(factory=dict, eq=False, repr=False)

    @property
    def verdict(self) -> ProofVerdict:
        """The worst verdict of any stage."""
        return worst([e.verdict for e in self.equations])

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        found = {
            "schema_version": PROOF_SCHEMA_VERSION,
            "verdict": self.verdict,
            "model": self.model,
            "counter": self.counter,
            "symbols": {size.name: size.meaning for size in self.sizes},
            "minimums": {size.name: size.minimum for size in self.sizes},
            "workload": dict(self.workload),
            "settings": dict(self.settings),
            "stages": [_equation(equation) for equation in self.equations],
            "assumptions": list(self.assumptions),
            "versions": dict(self.versions),
            "vendor": dict(self.vendor),
        }
        return dict(json_data(found))

    def rows(self) -> list[dict[str, Any]]:
        """Return a row per stage, and per component of a stage; closed forms are text."""
        names = ("stage", "component", "verdict", "vendor", "analytic", "difference", "reason")
        return [{name: row[name] for name in names} for row in map(_equation, self.equations)]

    def text(self) -> str:
        """Return what ``flopbench prove`` prints."""
        from flopbench.commands.prove.text import console

        return console(self)

    def to_markdown(self) -> str:
        """Return what ``proof.md`` holds."""
        from flopbench.commands.prove.text import markdown

        return markdown(self)

    def formats(self) -> Mapping[str, Format]:
        """Return what `save` writes, ``.tex`` among it."""
        from flopbench.commands.prove.text import as_html, latex

        own: dict[str, Format] = {".html": lambda: as_html(self), ".tex": lambda: latex(self)}
        return {**super().formats(), **own}

    def tree(self) -> Node:
        """Return each stage with its components; closed forms are notes."""
        from flopbench.commands.prove.text import tree

        return tree(self)


def worst(verdicts: list[ProofVerdict]) -> ProofVerdict:
    """Return the worst of at least one verdict."""
    order: tuple[ProofVerdict, ...] = ("proved", "interpolated", "incomplete", "differs")
    return max(verdicts, key=order.index)


def _equation(equation: Equation) -> dict[str, Any]:
    return {
        "stage": equation.stage,
        "component": equation.component,
        "vendor": _text(equation.vendor),
        "analytic": _text(equation.analytic),
        "difference": _text(equation.difference),
        "verdict": equation.verdict,
        "assumptions": list(equation.assumptions),
        "limited": equation.limited,
        "reason": equation.reason,
        "terms": [
            {
                "term": str(term.term),
                "vendor": str(term.vendor),
                "analytic": str(term.analytic),
                "difference": str(term.difference),
            }
            for term in equation.terms
        ],
        "uncounted": [attrs.asdict(op) for op in equation.uncounted],
        "vendor_ops": {op: str(form) for op, form in equation.vendor_ops.items()},
        "analytic_ops": {op: str(form) for op, form in equation.analytic_ops.items()},
    }


def _text(form: sympy.Expr | None) -> str | None:
    return None if form is None else str(form)
