"""Show a law: in a terminal, and as the tree of a notebook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import sympy
from attrs import evolve

from flopbench.modules.counted import is_within
from flopbench.modules.module_law import ModuleLaw, inner_name, total, written
from flopbench.tally import sums
from flopbench.text import key_values
from flopbench.values import Node
from flopbench.values.node import tree_of

_LEVELS = 2
"""Levels of modules that a text shows."""

_ASSUMPTIONS = 10
"""The most assumptions that a text shows."""


def lines(law: ModuleLaw) -> Iterator[str]:
    """Yield the lines that a terminal shows of a law."""
    yield f"{law.name}({', '.join(law.open)}) = {written(law.expression)} FLOPs"
    yield ""
    laws = {name or law.name: form for name, form in law.by_depth(_LEVELS).items()}
    width = max(map(len, laws), default=0)
    yield from (f"{name:<{width}}  {written(form)}" for name, form in laws.items())
    yield ""
    for piece in law.law.slices:
        where = ", ".join(key_values(piece.sizes))
        yield f"where {where}: {written(total(piece.forms.values()))}"
    yield from (f"assumes {text}" for text in law.assumptions[:_ASSUMPTIONS])
    if len(law.assumptions) > _ASSUMPTIONS:
        yield f"assumes {len(law.assumptions) - _ASSUMPTIONS} more relations: law.assumptions"
    yield from (f"no formula for {text}" for text in law.uncounted)
    yield _worth(law)


def _worth(law: ModuleLaw) -> str:
    if not law.proved:
        return f"exact where it was tried: {', '.join(law.interpolated)} did not stay symbolic"
    limits = "that the assumptions allow" if law.law.limited else "from 1 on"
    alike = ", if equal layers run alike" if law.stood_for else ""
    return f"exact for every {', '.join(law.open)} {limits}{alike}: traced with symbols"


def tree(law: ModuleLaw) -> Node:
    """Return the modules with their FLOPs at the examples; the note is the law."""
    values = {inner_name(name): value for name, value in law.examples.items()}
    flops = law.law.at(values)
    found = sums((tuple(m.split(".")) if m else (), int(n)) for (m, _), n in flops.items())
    shown = ", ".join(key_values(law.examples))
    root = tree_of(law.name, found, note=f"{written(law.expression)}; the numbers: {shown}")
    return evolve(root, children=_noted(root.children, "", law.by_module))


def _noted(nodes: tuple[Node, ...], path: str, forms: Mapping[str, sympy.Expr]) -> tuple[Node, ...]:
    """Give each part its own law as a note."""
    return tuple(
        evolve(
            node,
            note=written(
                total(f for name, f in forms.items() if is_within(name, path + node.name))
            ),
            children=_noted(node.children, f"{path}{node.name}.", forms),
        )
        for node in nodes
    )
