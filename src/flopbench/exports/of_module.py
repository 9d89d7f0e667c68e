"""The law of a module or callable (`flopbench.law`) as exported laws."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from flopbench.digests import json_digest
from flopbench.errors import UsageError
from flopbench.exports.assumed import assumptions
from flopbench.exports.audited import counted, traced, uncounted
from flopbench.exports.identifiers import identifier, unique, unique_by
from flopbench.exports.laws import (
    FLOPS,
    Assumption,
    ExportedLaw,
    ExportedLaws,
    Golden,
    StageLaws,
    Symbol,
)
from flopbench.exports.points import refused
from flopbench.exports.text import text_of
from flopbench.exports.tree import Tree, of, renamed

if TYPE_CHECKING:
    from flopbench.modules.module_law import ModuleLaw

CALL = "call"
"""The one stage of a module, and what stands for its attention: it runs as it was called."""

_POINTS = ((1, 0), (2, 1), (1, 3), (3, 0), (1, 1))
"""Factors and summands of the examples at which a law gives its golden vectors."""


def of_module(law: ModuleLaw, inner: Mapping[str, str]) -> ExportedLaws:
    """Return the laws of a module: those of the whole call, and by module.

    Args:
        inner: the name of each size in the forms, by the name that the user gave.

    Raises:
        UsageError: an assumption cannot be checked by a program.
    """
    known = {form: name for name, form in inner.items() if name != form}
    known |= {inner[name]: str(value) for name, value in law.closed.items()}
    identifiers = unique(law.open)
    symbols = tuple(
        Symbol(name, identifiers[name], f"a size of {law.name}", 1, law.examples[name])
        for name in law.open
    )
    try:
        found = _laws(law, known)
        held = assumptions(law.law, names=known)
    except ValueError as error:
        raise UsageError(f"the law of {law.name} cannot be exported: {error}") from error
    stated = {each.text: each for each in held}
    stated |= {text: Assumption(text) for text in law.assumptions if text not in stated}
    stated |= {f"not counted: {op}": Assumption(f"not counted: {op}") for op in law.uncounted}
    stage = StageLaws(
        name=CALL,
        title=law.name,
        identifier=CALL,
        symbols=law.open,
        verdict="proved" if law.proved else "interpolated",
        reason="; ".join(f"{name}: {why}" for name, why in law.interpolated.items()) or None,
        assumptions=tuple(stated.values()),
        laws=found,
        golden=tuple(_golden(law, found[0])),
        refused=tuple(refused(symbols, held)),
    )
    return ExportedLaws(
        name=law.name,
        identifier=identifier(law.name),
        kind="module",
        symbols=symbols,
        attention=(CALL,),
        stages=(stage,),
        closed=dict(law.closed),
        provenance={
            "versions": dict(law.versions),
            "vendor": {},
            "counter": "torch",
            "config": {},
            "config_digest": None,
            "proof_digest": json_digest(law.to_dict()),
        },
        audit={"stages": {CALL: _audit(law, inner)}},
    )


def _audit(law: ModuleLaw, inner: Mapping[str, str]) -> dict[str, Any]:
    sizes = {**law.examples, **law.closed}
    values = {inner[name]: value for name, value in sizes.items()}
    return {
        "title": law.name,
        "workload_sizes": sizes,
        "traced": traced(law.law),
        "counted": list(counted(law.law, values)),
        "uncounted": uncounted(law.law),
        "unseen": [],
        "stood_for": dict(law.stood_for),
    }


def _laws(law: ModuleLaw, known: Mapping[str, str]) -> tuple[ExportedLaw, ...]:
    modules = dict.fromkeys(module for module, _ in law.law.forms)
    for piece in law.law.slices:
        modules |= dict.fromkeys(module for module, _ in piece.forms)
    paths: tuple[str | None, ...] = (None, *modules)
    trees = {path: _tree(law, path, known) for path in paths}
    names: dict[str | None, str] = {None: FLOPS}
    names.update(_names(modules))
    return tuple(
        ExportedLaw(FLOPS, CALL, module, names[module], tree, text_of(tree))
        for module, tree in trees.items()
    )


def _names(modules: Iterable[str]) -> dict[str, str]:
    """Return the name of the function of each module; the outermost is that of its own work."""
    texts = {module: f"{FLOPS} {module or 'itself'}" for module in modules}
    return unique_by(texts, [FLOPS])


def _tree(law: ModuleLaw, module: str | None, known: Mapping[str, str]) -> Tree:
    """Return the tree of a module, or of the whole call, with its exceptions at small sizes."""

    def whole(forms: Mapping[Any, Any]) -> Tree:
        return of(sum(form for (m, _), form in forms.items() if module is None or m == module))

    tree = whole(law.law.forms)
    for piece in law.law.slices:  # those of fewest sizes first: later ones go before them
        equal = [["==", name, str(value)] for name, value in piece.sizes.items()]
        there = whole(piece.forms)
        if there != tree:
            tree = ["if", equal[0] if len(equal) == 1 else ["and", *equal], there, tree]
    return renamed(tree, known)


def _points(law: ModuleLaw) -> Iterator[dict[str, int]]:
    for factor, more in _POINTS:
        yield {name: factor * law.examples[name] + more for name in law.open}
    yield dict.fromkeys(law.open, 1)


def _golden(law: ModuleLaw, whole: ExportedLaw) -> Iterator[Golden]:
    for point in _points(law):
        try:
            yield Golden(point, {whole.identifier: int(law(**point))})
        except UsageError:  # excluded
            continue
