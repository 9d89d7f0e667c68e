"""Write docs/reference.md from the hooks, the public classes and the suites for plugin tests.

The page says what signatures, fields and docstrings say: run `python scripts/make_reference.py`
after a change to them.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
from reference_fields import fields, link
from reference_text import FIELDS, docstring, markdown

import flopbench
import flopbench.guard
import flopbench.testing
from flopbench import analytic, blocks, dims, formulas, inputs, ops, report, values, vendor
from flopbench.registry import hookspecs
from flopbench.testing.suite import Conformance

PAGE = Path(__file__).parents[1] / "docs" / "reference.md"

HEAD = """# Reference

Everything that a plugin or a script imports, generated from signatures, fields and docstrings by
`scripts/make_reference.py`. [Plugins](plugins.md) explains how plugins are found. The tutorials are
the place to start: [a model](tutorial-model.md), [an attention mode](tutorial-first-plugin.md),
[a counter](tutorial-counter.md), [a reporter](tutorial-reporter.md).

Each class and function is shown with the path to import it from. A `Dim` is an int, an integer
array or a SymPy expression ([dimensions](concepts.md#dimensions)).
"""

FACADES = (
    *(flopbench, ops, blocks, dims, inputs, analytic, vendor, report, formulas, values),
    *(flopbench.guard, flopbench.testing),
)
"""Where users import from: each name has the path of the first module that lists it."""

HOOKS = {
    name: hook
    for name, hook in inspect.getmembers(hookspecs, inspect.isfunction)
    if name.startswith("flopbench_")
}


def exported(module: ModuleType, *, classes: bool = True) -> tuple[Any, ...]:
    """Return what a module exports: its classes, or its functions."""
    is_wanted = inspect.isclass if classes else inspect.isfunction
    return tuple(filter(is_wanted, (getattr(module, name) for name in module.__all__)))


SECTIONS = {
    "Commands as functions": exported(flopbench, classes=False),
    "Abstract classes": (
        flopbench.AnalyticModel,
        flopbench.AttentionMode,
        flopbench.VendorModel,
        flopbench.VendorCounter,
        flopbench.SymbolicCounter,
        flopbench.Reporter,
        flopbench.Formula,
    ),
    "Values of a model": (
        flopbench.Stage,
        flopbench.Size,
        flopbench.Sweep,
        flopbench.SweepPoint,
        flopbench.SweepLimits,
        flopbench.Named,
    ),
    "Values of a vendor and a counter": (
        flopbench.VendorCall,
        flopbench.VendorStage,
        flopbench.Convention,
        flopbench.Count,
        flopbench.Counted,
        flopbench.Uncounted,
        flopbench.Trace,
    ),
    "Values of a report": tuple(
        thing for thing in exported(report) if thing is not flopbench.Reporter
    ),
    "Formulas": tuple(thing for thing in exported(formulas) if thing is not flopbench.Formula),
    "Results": exported(values),
    "Operations": exported(ops),
    "Dimensions": exported(dims, classes=False),
    "Inputs": exported(inputs, classes=False),
    "Blocks": (*exported(blocks), *exported(blocks, classes=False)),
    "Guard for tests": (flopbench.guard.Guard,),
    "Errors": (flopbench.UsageError, flopbench.CountError),
    "Suites for plugin tests": (Conformance, *exported(flopbench.testing)),
}

LINKED = tuple(thing for things in SECTIONS.values() for thing in things if inspect.isclass(thing))


def page() -> str:
    """Return the page, generated from the current sources."""
    lines = [HEAD, "## Hooks\n"]
    for name, hook in HOOKS.items():
        lines += [f"### {name}\n\n`{name}{signature(hook)}`\n", *prose(hook)]
    for title, things in SECTIONS.items():
        lines.append(f"## {title}\n")
        for thing in things:
            lines += described(thing) if inspect.isclass(thing) else function(thing)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def signature(thing: Any) -> str:
    """Return a signature as written, without quotes around types and without ``self``."""
    text = str(inspect.signature(thing)).replace("'", "")
    return re.sub(r"^\((self|cls)(, )?", "(", text)


def public_path(thing: Any) -> str | None:
    """Return the path that users import a thing from; None if no public module lists it."""
    name = thing.__name__
    homes = (m for m in FACADES if name in m.__all__ and getattr(m, name) is thing)
    home = next(homes, None)
    return home and f"{home.__name__}.{name}"


def prose(thing: Any, without: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield a docstring as Markdown."""
    yield from markdown(docstring(thing), without)
    yield ""


def function(thing: Any) -> Iterator[str]:
    """Yield the heading, the signature and the docstring of a function."""
    yield f"### {thing.__name__}\n\n`{public_path(thing)}{signature(thing)}`\n"
    yield from prose(thing)


def described(cls: type) -> Iterator[str]:
    """Yield the heading, the docstring, the fields and the members of the class itself."""
    has_fields = attrs.has(cls)
    yield f"### {cls.__name__}\n"
    yield from imported(cls)
    yield from prose(cls, without=(FIELDS,) if has_fields else ())
    if has_fields:
        yield from fields(cls, LINKED)
    yield from checks(cls) if issubclass(cls, Conformance) else members(cls)
    yield ""


def imported(cls: type) -> Iterator[str]:
    """Yield a line with the path and the bases of a class, if it has any."""
    path = public_path(cls)
    bases = [link(base) for base in cls.__bases__ if base in LINKED]
    parts = [*([f"`{path}`"] if path else []), *([f"subclass of {', '.join(bases)}"] * bool(bases))]
    if parts:
        yield f"{', '.join(parts)}.\n"


def members(cls: type) -> Iterator[str]:
    """Yield a list of the public members that the class's source documents."""
    for name, declaration, text in _documented(cls):
        member = inspect.getattr_static(cls, name, None)
        inner = getattr(member, "__func__", getattr(member, "fget", member))
        if inspect.isfunction(inner):
            kind = "abstract " if getattr(member, "__isabstractmethod__", False) else ""
            kind += {classmethod: "class method", property: "property"}.get(type(member), "method")
            shown = name if isinstance(member, property) else f"{name}{signature(inner)}"
            yield f"#### `{shown}`\n\n*{kind}*\n"
        else:
            yield f"#### `{declaration}`\n"
        yield from markdown(inspect.cleandoc(text))
        yield ""


def _documented(cls: type) -> Iterator[tuple[str, str, str]]:
    """Yield (name, declaration, text) of what a class declares or documents, in order."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    body = tree.body  # type: ignore[attr-defined]
    for node, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            text = ast.get_docstring(node)
            if text:
                yield node.name, node.name, text
        elif isinstance(node, ast.AnnAssign):
            name, text = ast.unparse(node.target), _string(after)
            if text or (not attrs.has(cls) and not name.startswith("_")):
                yield name, ast.unparse(node), text or ""


def _string(node: Any) -> str | None:
    value = getattr(getattr(node, "value", None), "value", None)
    return value if isinstance(node, ast.Expr) and isinstance(value, str) else None


def checks(suite: type[Conformance]) -> Iterator[str]:
    """Yield a table of a suite's checks, with the names that deviations use."""
    if not suite.check_names():
        return
    yield "| check | what it verifies |\n| --- | --- |"
    for name in suite.check_names():
        said = " ".join(docstring(getattr(suite, f"test_{name}")).split())
        yield f"| `{name}` | {said} |"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
