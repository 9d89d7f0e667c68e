"""Show a count: its verdict, a tree of modules in a terminal, and the tree of a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flopbench.text import plural, si
from flopbench.values import Node
from flopbench.values.node import tree_of

if TYPE_CHECKING:
    from flopbench.modules.counted import ModuleCount, Unseen

_LEVELS = 2
"""Levels of modules that a text shows if none are asked for."""


def verdict(count: ModuleCount) -> str:
    """Say what a count is worth, in one sentence."""
    reasons = [
        f"{check.kind} {check.module!r} does {check.priced:,} FLOPs by its shapes, but "
        f"{check.counted:,} were counted"
        for check in count.differences
    ]
    if count.uncounted:
        reasons.append(f"no formula for {', '.join(_named(count.uncounted))}")
    if reasons:
        return f"incomplete: {'; '.join(reasons)}"
    return f"complete: all matrix work was counted, {_checked(count)}"


def _checked(count: ModuleCount) -> str:
    forward = count.flops - count.by_phase.get("backward", 0)
    if not forward:
        return "of which there is none"
    if not count.checks:
        return "none of it cross-checked: no module is of a known kind"
    share = 100 * count.checked_flops / forward
    modules = plural(len(count.checks), "module")
    return f"{share:.3g} % of the forward cross-checked by the shapes of {modules}"


def _named(unseen: tuple[Unseen, ...]) -> Iterator[str]:
    for each in unseen:
        yield f"{each.op} in {each.module or 'the outermost module'}"


def text(count: ModuleCount) -> str:
    """Return what a terminal shows of a count."""
    return "\n".join(_lines(count))


def _lines(count: ModuleCount) -> Iterator[str]:
    yield f"{count.name}: {count.flops:,} FLOPs ({si(count.flops, 'FLOP')})"
    yield ""
    yield from _table(count)
    yield ""
    if len(count.by_phase) > 1:
        yield "passes: " + ", ".join(f"{phase} {n:,}" for phase, n in count.by_phase.items())
    if count.own_formula_flops:
        own = f"{count.own_formula_flops:,} FLOPs"
        yield f"own formulas: {own}, where torch has none or a wrong one"
    yield f"vector work: {count.vector_flops:,} FLOPs besides (flopbench.conventions)"
    if count.unpriced:
        yield f"vector ops without a price: {', '.join(sorted({u.op for u in count.unpriced}))}"
    yield f"parameters: {count.parameters:,} ({si(count.parameter_bytes, 'B')})"
    if count.peak_activation_bytes is not None:
        yield f"peak activations: {si(count.peak_activation_bytes, 'B')}"
    yield from (f"note: {note}" for note in count.notes)
    yield count.verdict


def _table(count: ModuleCount) -> Iterator[str]:
    total = count.flops or 1
    rows = [("  " * depth + node.name, node.value or 0) for depth, node in _walk(_shown(count))]
    width = max(len(name) for name, _ in rows)
    digits = max(len(f"{value:,}") for _, value in rows)
    for name, value in rows:
        yield f"{name:<{width}}  {value:>{digits},}  {100 * value / total:5.1f} %"


def _walk(node: Node, depth: int = 0) -> Iterator[tuple[int, Node]]:
    yield depth, node
    for child in node.children:
        yield from _walk(child, depth + 1)


def tree(count: ModuleCount) -> Node:
    """Return the modules with their FLOPs, sub-modules included, to the depth asked for."""
    return _tree(count, count.depth)


def _shown(count: ModuleCount) -> Node:
    return _tree(count, _LEVELS if count.depth is None else count.depth)


def _tree(count: ModuleCount, depth: int | None) -> Node:
    values: dict[tuple[str, ...], int] = {}
    for module, flops in count.by_module.items():
        component = count.component(module) if count.components else module
        path = tuple(component.split("."))[:depth] if component else ()
        values[path] = values.get(path, 0) + flops
    return tree_of(count.name, values, note=count.verdict)
