"""Render a proof: for the console, as Markdown, as LaTeX and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import sympy

from flopbench.analytic import Stage
from flopbench.commands.prove.proof import FAILURES, Equation, Proof
from flopbench.text import key_values, table, wrapped
from flopbench.training_step import changed
from flopbench.values import Node
from flopbench.vendor.own import with_own_formulas


def console(proof: Proof) -> str:
    """Return the text for a terminal."""
    lines = [wrapped(f"{proof.model}: {' '.join(settings(proof))}")]
    lines += [wrapped(f"open: {'; '.join(_symbols(proof))}")]
    for stage, whole, components in by_stage(proof):
        lines += ["", *_console_stage(proof, stage, whole, components)]
    return "\n".join([*lines, "", verdict(proof)])


def _console_stage(
    proof: Proof, stage: Stage, whole: Equation, components: list[Equation]
) -> Iterator[str]:
    yield f"{stage.title}: {whole.verdict}{for_every(whole)}"
    yield from _console_sides(proof, whole, indent="  ")
    named = {c.component for c in components if c.verdict in FAILURES}
    if whole.verdict in FAILURES and not named:
        yield wrapped(f"  {whole.reason}")
    width = max((len(str(c.component)) for c in components), default=0)
    for c in components:
        if c.component in named:
            yield f"  {c.component}: {c.verdict}: {c.reason}"
            yield from _console_sides(proof, c, indent="    ")
            yield from _console_terms(c)
        else:
            yield f"    {c.component!s:<{width}}  {c.vendor}"
    for note in _few(whole.assumptions):
        yield wrapped(f"  assumed: {note}")


_MOST_ASSUMED = 10
"""Assumptions of a stage that people are shown; JSON has them all."""


def _few(assumptions: Sequence[str]) -> Iterator[str]:
    """Yield the first assumptions, and how many more there are."""
    yield from assumptions[:_MOST_ASSUMED]
    left = len(assumptions) - _MOST_ASSUMED
    if left > 0:
        yield f"and {left} more, which JSON has"


def _console_sides(proof: Proof, equation: Equation, indent: str) -> Iterator[str]:
    if equation.vendor is not None:
        yield f"{indent}vendor (eager, {proof.counter}) : {equation.vendor}"
    yield f"{indent}analytic eager        : {equation.analytic}"
    if equation.vendor is not None:
        yield f"{indent}difference            : {equation.difference}"


def _console_terms(equation: Equation) -> Iterator[str]:
    for term in equation.terms:
        yield (
            f"    coefficient of {term.term}: vendor {term.vendor}, analytic {term.analytic}, "
            f"difference {term.difference}"
        )
    for who, ops in (("vendor", equation.vendor_ops), ("analytic", equation.analytic_ops)):
        yield from (f"    {who} {op}: {form}" for op, form in ops.items())
    for op in equation.uncounted:
        yield f"    uncounted: {op.op}, {op.calls} calls in a step"


def markdown(proof: Proof) -> str:
    """Return tables for a wiki or a pull request."""
    lines = [f"# Cost laws of {proof.model}", ""]
    lines += [f"- `{text}`" for text in settings(proof)]
    lines += ["", *table(("symbol", "meaning", "values"), _symbol_rows(proof)), ""]
    for stage, whole, components in by_stage(proof):
        lines += [f"## {stage.title}: {whole.verdict}{for_every(whole)}", ""]
        header = ("component", "vendor FLOPs", "analytic FLOPs", "difference", "verdict")
        lines += [*table(header, map(_row, (whole, *components))), ""]
        for e in (whole, *components):
            lines += [f"- {e.component or stage.name}: {e.reason}"] if e.reason else []
        lines += [f"- Assumed: {note}" for note in _few(whole.assumptions)]
        lines += [""]
    lines += [f"{verdict(proof)}.", ""]
    lines += [f"- Versions: {', '.join(key_values(proof.versions))}"]
    lines += [f"- Vendor: {', '.join(key_values(proof.vendor))}"]
    return "\n".join(lines)


def _row(e: Equation) -> list[str]:
    forms = map(_code, (e.vendor, e.analytic, e.difference))
    return [e.component or "**whole stage**", *forms, e.verdict]


def latex(proof: Proof) -> str:
    """Return one display equation per stage, for a paper (needs amsmath)."""
    lines = [f"% Cost laws of {proof.model}; FLOPs, 1 MAC = 2 FLOPs.", r"\begin{align*}"]
    rows = []
    notes = [f"% {text}" for text in _symbols(proof)]
    for stage, whole, _components in by_stage(proof):
        name = rf"F_{{\text{{{stage.title.lower().replace('_', ' ')}}}}}"
        form = r"\text{not counted}" if whole.vendor is None else sympy.latex(whole.vendor)
        rows.append(rf"  {name} &= {form} && \text{{{whole.verdict}}}")
        found = [f"assumed: {note}" for note in _few(whole.assumptions)]
        found += [f"{whole.verdict}: {whole.reason}"] if whole.reason else []
        notes += [f"% {stage.title}: {note}" for note in found]
    lines += [" \\\\\n".join(rows), r"\end{align*}"]
    return "\n".join([*lines, *notes])


def as_json(proof: Proof) -> str:
    """Return the whole proof, for programs."""
    return proof.to_json()


def as_html(proof: Proof) -> str:
    """Return one HTML file, for a browser."""
    from flopbench.commands.prove.page import to_html

    return to_html(proof)


def tree(proof: Proof) -> Node:
    """Return each stage with its components, for a notebook; a note has the closed forms."""
    stages = [
        _node(f"{stage.title}{for_every(whole)}", whole, tuple(_node(None, c) for c in components))
        for stage, whole, components in by_stage(proof)
    ]
    about = (" ".join(settings(proof)), f"open: {'; '.join(_symbols(proof))}", verdict(proof))
    return Node(proof.model, None, tuple(stages), "\n".join(filter(None, about)))


def _node(name: str | None, equation: Equation, children: tuple[Node, ...] = ()) -> Node:
    if equation.verdict == "proved":
        note = f"proved: {equation.vendor}"
    else:
        sides = f"vendor {_plain(equation.vendor)}, analytic {equation.analytic}"
        note = f"{equation.verdict}: {sides}: {equation.reason}"
    return Node(name or str(equation.component), None, children, note)


def _plain(form: sympy.Expr | None) -> str:
    return "not counted" if form is None else str(form)


FORMATS: Mapping[str, Callable[[Proof], str]] = {
    "console": console,
    "json": as_json,
    "markdown": markdown,
    "html": as_html,
    "latex": latex,
}
"""How a proof can be shown, by the name that ``--format`` takes."""

FILES: Mapping[str, str] = {
    "proof.json": "json",
    "proof.md": "markdown",
    "proof.tex": "latex",
    "proof.html": "html",
}
"""What ``--out`` writes, and in which format."""


def verdict(proof: Proof) -> str:
    """Summarize the whole proof in one line."""
    if proof.verdict in FAILURES:
        found = [f"{e.stage} ({e.verdict})" for e in _wholes(proof) if e.verdict in FAILURES]
        return f"verdict: {proof.verdict}: {', '.join(found)}"
    how = "proved" if proof.verdict == "proved" else "interpolated, which is not a proof"
    limits = _limits(limited=any(equation.limited for equation in proof.equations))
    how += with_own_formulas(proof.own_formulas)
    return f"verdict: {how}: vendor = analytic for all {_names(proof)}{limits}, in every component"


def settings(proof: Proof) -> list[str]:
    """Return the workload, and the settings that change the laws."""
    shown = {**proof.settings, "train": changed(proof.settings.get("train", {}))}
    return [*key_values(proof.workload), *key_values(shown)]


def _names(proof: Proof) -> str:
    return ", ".join(size.name for size in proof.sizes)


def _wholes(proof: Proof) -> list[Equation]:
    return [e for e in proof.equations if e.component is None]


def by_stage(proof: Proof) -> Iterator[tuple[Stage, Equation, list[Equation]]]:
    """Yield each stage with the equation of the whole, and those of its components."""
    for stage in proof.stages:
        found = [e for e in proof.equations if e.stage == stage.name]
        yield stage, found[0], found[1:]


def for_every(whole: Equation) -> str:
    """Say for which sizes a stage's verdict holds."""
    if whole.verdict in FAILURES or whole.vendor is None:
        return ""
    names = sorted(symbol.name for symbol in whole.vendor.free_symbols)
    limits = _limits(limited=whole.limited)
    return f" for every {', '.join(names)}{limits}" if names else limits


def _limits(*, limited: bool) -> str:
    return " that the assumptions allow" if limited else ""


def _symbols(proof: Proof) -> Iterator[str]:
    for size in proof.sizes:
        yield f"{size.name} = {size.meaning}, at least {size.minimum}"


def _symbol_rows(proof: Proof) -> Iterator[list[str]]:
    for size in proof.sizes:
        yield [f"`{size.name}`", size.meaning, f"at least {size.minimum}"]


def _code(form: sympy.Expr | None) -> str:
    return _plain(form) if form is None else f"`{form}`"
