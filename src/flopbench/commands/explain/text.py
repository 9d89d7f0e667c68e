"""Render an explanation: for the console and as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from flopbench.commands.explain.tree import Explanation, Node
from flopbench.text import table, tera, wrapped

EXPLAIN_SCHEMA_VERSION = "1.1"


SHARES = "shares are of FLOPs, not of time: decoding is mostly limited by bytes (flopbench sweep)"


def console(explanation: Explanation) -> str:
    """Return the text for a terminal."""
    nodes = list(explanation.root.walk())
    width = max(len(_label(explanation, node)) for node in nodes)
    lines = [wrapped(_title(explanation)), ""]
    for node in nodes:
        left = f"{_label(explanation, node):<{width}} {tera(node.flops):>11} {_percent(node)}"
        if node.children:
            lines += [left]
        else:
            lines += [f"{left}   {node.form}"]
            lines += [f"{'':<{len(left)}} = {node.named_form}"] if node.named_form else []
    lines += ["", *notes(explanation)]
    return "\n".join(lines)


def markdown(explanation: Explanation) -> str:
    """Return tables for a wiki or a pull request."""
    rows = [
        [
            _name(explanation, node, "/"),
            tera(node.flops),
            _percent(node).strip(),
            f"`{node.form}`",
            "" if node.named_form is None else f"`{node.named_form}`",
        ]
        for node in explanation.root.walk()
    ]
    header = ("part", "TFLOPs", "share", "closed form", "with names")
    symbols = [
        [f"`{name}`", str(value), meaning]
        for values in (explanation.sizes, explanation.dimensions)
        for name, (value, meaning) in values.items()
    ]
    return "\n".join(
        [
            f"# FLOPs of {explanation.model}, by component",
            "",
            f"{_title(explanation)}.",
            "",
            *table(header, rows),
            "",
            *table(("symbol", "value", "meaning"), symbols),
            *(f"\nNote: {note}." for note in explanation.notes),
            *(f"\nFallback: {fallback}." for fallback in explanation.fallbacks),
            f"\n{SHARES[0].upper()}{SHARES[1:]}.",
        ]
    )


def as_json(explanation: Explanation) -> str:
    """Return the whole explanation, for programs."""
    return explanation.to_json()


def as_html(explanation: Explanation) -> str:
    """Return one HTML file, for a browser."""
    from flopbench.commands.explain.page import to_html

    return to_html(explanation)


FORMATS: Mapping[str, Callable[[Explanation], str]] = {
    "console": console,
    "json": as_json,
    "markdown": markdown,
    "html": as_html,
}
"""How an explanation can be shown, by the name that ``--format`` takes."""


def _title(explanation: Explanation) -> str:
    sizes = ", ".join(f"{name} = {value}" for name, (value, _) in explanation.sizes.items())
    work = "all work" if explanation.work == "all" else f"{explanation.work} work"
    where = f" at {sizes}" if sizes else ""
    return f"{explanation.model}, {explanation.attention} attention, {work} in TFLOPs{where}"


def notes(explanation: Explanation) -> Iterator[str]:
    """Yield what the symbols are, and what a reader must know."""
    for what, values in (("sizes", explanation.sizes), ("model", explanation.dimensions)):
        if values:
            named = (f"{name} = {value} {text}" for name, (value, text) in values.items())
            yield wrapped(f"{what}: {'; '.join(named)}")
    for note in explanation.notes:
        yield wrapped(f"note: {note}")
    for fallback in explanation.fallbacks:
        yield wrapped(f"fallback: {fallback}")
    yield SHARES


def _name(explanation: Explanation, node: Node, separator: str) -> str:
    return separator.join(node.path) or explanation.model


def _label(explanation: Explanation, node: Node) -> str:
    return "  " * len(node.path) + (node.path[-1] if node.path else explanation.model)


def _percent(node: Node) -> str:
    return f"{100 * node.share:6.2f} %"
