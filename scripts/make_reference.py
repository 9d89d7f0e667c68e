"""Write docs/reference.md from the hooks, the abstract classes and the suites for plugin tests.

What the page says is what signatures and docstrings say: `python scripts/make_reference.py`
after a change to them.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

import flopbench.testing
from flopbench import blocks
from flopbench.analytic import AttentionMode, model
from flopbench.ops import vector as ops
from flopbench.registry import hookspecs
from flopbench.report import Reporter
from flopbench.testing.suite import Conformance
from flopbench.vendor import model as vendor

PAGE = Path(__file__).parents[1] / "docs" / "reference.md"

HEAD = """# Reference

Made by `scripts/make_reference.py` from signatures and docstrings. [Plugins](plugins.md) says how
they are found, the tutorials how to start: [a model](tutorial-model.md), [an attention
mode](tutorial-first-plugin.md), [a counter](tutorial-counter.md), [a
reporter](tutorial-reporter.md).
"""

CLASSES = {
    "Abstract classes": (
        model.AnalyticModel,
        AttentionMode,
        vendor.VendorModel,
        vendor.VendorCounter,
        vendor.SymbolicCounter,
        Reporter,
    ),
    "Values of a model": (
        model.Stage,
        model.Size,
        model.Sweep,
        model.SweepPoint,
        model.SweepLimits,
        model.Named,
    ),
    "Values of a vendor and a counter": (
        vendor.VendorCall,
        vendor.VendorStage,
        vendor.Convention,
        vendor.Count,
        vendor.Counted,
        vendor.Uncounted,
        vendor.Trace,
    ),
    "Operations": tuple(
        getattr(ops, name) for name in ops.__all__ if inspect.isclass(getattr(ops, name))
    ),
    "Blocks": tuple(getattr(blocks, name) for name in blocks.__all__),
    "Suites for plugin tests": (
        Conformance,
        *(getattr(flopbench.testing, name) for name in flopbench.testing.__all__),
    ),
}

_SECTION = re.compile(r"^(Attributes|Args|Raises|Returns|Yields):$")
_ENTRY = re.compile(r"^(\S[^:]*): (.*)$")


def page() -> str:
    """Return the page as the sources say it now."""
    lines = [HEAD, "## Hooks\n"]
    for name, hook in inspect.getmembers(hookspecs, inspect.isfunction):
        if name.startswith("flopbench_"):
            lines += [f"### `{name}{signature(hook)}`\n", *prose(hook)]
    for title, classes in CLASSES.items():
        lines.append(f"## {title}\n")
        for thing in classes:
            lines += described(thing) if inspect.isclass(thing) else function(thing)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def signature(thing: Any) -> str:
    """Return a signature as it is written, without quotes around types and without ``self``."""
    text = str(inspect.signature(thing)).replace("'", "")
    return re.sub(r"^\((self|cls)(, )?", "(", text)


def prose(thing: Any) -> Iterator[str]:
    """Yield a docstring as Markdown: its text, then its sections as lists."""
    yield from _markdown(inspect.getdoc(thing) or "")
    yield ""


def _markdown(text: str) -> Iterator[str]:
    in_section = False
    for line in text.replace("``", "`").splitlines():
        section = _SECTION.match(line)
        if section:
            in_section = True
            yield f"\n{section[1]}:\n"
        elif in_section and line.strip():
            entry = _ENTRY.match(line[4:])
            if entry:
                names = ", ".join(f"`{name}`" for name in entry[1].split(", "))
                yield f"- {names}: {entry[2]}"
            else:
                yield f"  {line.strip()}"
        else:
            yield re.sub(r"::$", ":", line)


def function(thing: Any) -> Iterator[str]:
    """Yield the heading and the docstring of a function."""
    yield f"### `{thing.__name__}{signature(thing)}`\n\n`{thing.__module__}.{thing.__name__}`.\n"
    yield from prose(thing)


def described(cls: type) -> Iterator[str]:
    """Yield the heading, the docstring and the members that a class itself has."""
    yield f"### {cls.__name__}\n"
    bases = [base.__name__ for base in cls.__bases__ if base.__module__.startswith("flopbench")]
    of = f", a {' and a '.join(f'`{base}`' for base in bases)}" if bases else ""
    yield f"`{cls.__module__}.{cls.__name__}`{of}.\n"
    yield from prose(cls)
    if attrs.has(cls) and not inspect.isabstract(cls):
        names = [f.name if f.default is attrs.NOTHING else f"[{f.name}]" for f in attrs.fields(cls)]
        yield f"Fields: {', '.join(f'`{name}`' for name in names)}.\n"
    if issubclass(cls, Conformance):
        yield from checks(cls)
    else:
        yield from members(cls)
    yield ""


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
        yield from _markdown(inspect.cleandoc(text))
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
    """Yield a table of a suite's checks, as deviations name them."""
    if not suite.check_names():
        return
    yield "| check | what it holds |\n| --- | --- |"
    for name in suite.check_names():
        yield f"| `{name}` | {inspect.getdoc(getattr(suite, f'test_{name}'))} |".replace("\n", " ")


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
