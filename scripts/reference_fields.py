"""The fields of an attrs class as a Markdown table: type, default, choices and meaning."""

from __future__ import annotations

import ast
import operator
import sys
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Literal, get_args, get_origin

import attrs
from reference_text import docstring, meanings

_BOUNDS = {operator.ge: "≥", operator.gt: ">", operator.le: "≤", operator.lt: "<"}
_PIPE = r"\|"


def fields(cls: type, linked: Collection[type]) -> Iterator[str]:
    """Yield the table of a class's fields; fields of its bases are listed with a link.

    Args:
        cls: an attrs class.
        linked: classes that the page describes.
    """
    bases = [base for base in cls.__mro__[1:] if base in linked and attrs.has(base)]
    known = {field.name for base in bases for field in attrs.fields(base)}
    own = [field for field in attrs.fields(cls) if field.init and field.name not in known]
    if own:
        yield from table(cls, own, linked)
    inherited = [(base, [f"`{field.name}`" for field in _own(base, bases)]) for base in bases]
    said = [f"{', '.join(names)} of {link(base)}" for base, names in inherited if names]
    if said:
        yield f"Inherited fields: {'; '.join(said)}.\n"


def link(cls: type) -> str:
    """Return a link to the heading of a class."""
    return f"[`{cls.__name__}`](#{cls.__name__.lower()})"


def _own(base: type, bases: Iterable[type]) -> list[Any]:
    above = {
        field.name
        for other in bases
        if other is not base and issubclass(base, other)
        for field in attrs.fields(other)
    }
    return [field for field in attrs.fields(base) if field.name not in above]


def table(cls: type, own: Collection[Any], linked: Collection[type]) -> Iterator[str]:
    """Yield the rows of some fields; a column that is empty in every row is left out."""
    said = _meanings(cls)
    rows = [
        (
            f"`{field.name}`",
            type_text(cls, field, linked),
            default(field),
            ", ".join(choices(cls, field)),
            said.get(field.name, ""),
        )
        for field in own
    ]
    titles = ("field", "type", "default", "choices", "meaning")
    shown = [i for i in range(len(titles)) if any(row[i] for row in rows)]
    for row in (titles, ["---"] * len(titles), *rows):
        yield f"| {' | '.join(row[i].replace('|', _PIPE) for i in shown)} |"
    yield ""


def _meanings(cls: type) -> dict[str, str]:
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        found |= meanings(docstring(base)) if "__doc__" in vars(base) else {}
    return found


def type_text(cls: type, field: Any, linked: Collection[type]) -> str:
    """Return the type as written, its alternatives separately: `Dim` or `None`."""
    links = {other.__name__: link(other) for other in linked}
    return " or ".join(links.get(text, f"`{text}`") for text in dict.fromkeys(_shown(cls, field)))


def _shown(cls: type, field: Any) -> Iterator[str]:
    for text in _alternatives(field):
        literals = _literals(cls, field, text)
        yield from (type(value).__name__ for value in literals) if literals else (text,)


def _alternatives(field: Any) -> list[str]:
    """Return the parts of a union such as ``int | None``."""
    written = field.type if isinstance(field.type, str) else _name(field.type)
    return [ast.unparse(node) for node in _parts(ast.parse(written, mode="eval").body)]


def _name(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind).replace("typing.", "")


def _parts(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield from _parts(node.left)
        yield from _parts(node.right)
    else:
        yield node


def default(field: Any) -> str:
    """Return the default as code, or ``required`` if there is none."""
    value = field.default
    if value is attrs.NOTHING:
        return "required"
    if isinstance(value, attrs.Factory):  # type: ignore[arg-type]
        return "derived" if value.takes_self else f"`{value.factory()!r}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value!r}`"


def choices(cls: type, field: Any) -> Iterator[str]:
    """Yield the values of a Literal, and those that a validator allows."""
    for text in _alternatives(field):
        yield from (f"`{value}`" for value in _literals(cls, field, text))
    yield from _allowed(field.validator)


def _literals(cls: type, field: Any, text: str) -> tuple[Any, ...]:
    """Return the values of an alternative that is a Literal or the name of one."""
    owner = next(b for b in cls.__mro__ if field.name in vars(b).get("__annotations__", ()))
    scope = {"Literal": Literal, **vars(sys.modules[owner.__module__])}
    node = ast.parse(text, mode="eval").body
    name = node.value if isinstance(node, ast.Subscript) else node
    if not isinstance(name, ast.Name) or name.id not in scope:
        return ()
    if name is not node and scope[name.id] is not Literal:
        return ()
    found = eval(text, scope)  # noqa: S307 - the project's own annotations
    return get_args(found) if get_origin(found) is Literal else ()


def _allowed(validator: Any) -> Iterator[str]:
    for part in getattr(validator, "_validators", (validator,)):
        if hasattr(part, "options"):
            yield from (f"`{value}`" for value in part.options)
        elif getattr(part, "compare_func", None) in _BOUNDS:
            yield f"{_BOUNDS[part.compare_func]} {part.bound}"
