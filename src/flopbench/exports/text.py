"""Trees as text for people, and printed as code: one printer for all languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from attrs import frozen

from flopbench.exports.tree import Tree, number

_ATOM, _POWER, _TIMES, _PLUS, _COMPARE, _NOT, _AND, _OR, _IF = range(9)
"""How tightly an operator binds; an argument that binds less tightly gets parentheses."""


def _plain(value: int) -> str:
    return str(value)


@frozen(kw_only=True)
class Language:
    """How a language writes a tree.

    Attributes:
        integer: writes an integer that is not negative.
        power: an infix operator; None if a power is a call of ``power``.
        calls: the functions of the operators that have no infix.
        infix: the operators that a language has other signs for.
        choice: a condition, and the values where it holds and where it does not.
        function: an index, and an expression in it, as a function.
        true, false: what holds always, and never.
    """

    integer: Callable[[int], str] = _plain
    power: str | None = "**"
    calls: Mapping[str, str]
    infix: Mapping[str, str]
    choice: str
    function: str
    true: str
    false: str

    def write(self, tree: Tree, within: int = _IF) -> str:
        """Return an expression; in parentheses if it binds less tightly than asked for."""
        text, binds = self._written(tree)
        return text if binds <= within else f"({text})"

    def _written(self, tree: Tree) -> tuple[str, int]:  # noqa: PLR0911 - one per kind of node
        if isinstance(tree, str):
            return self._atom(tree)
        operator, *arguments = tree
        if operator == "+":
            return self._sum(arguments), _PLUS
        if operator == "*":
            return "*".join(self.write(each, _POWER) for each in arguments), _TIMES
        if operator == "^" and self.power:
            base, exponent = (self.write(each, _ATOM) for each in arguments)
            return f"{base}{self.power}{exponent}", _POWER
        if operator in {"and", "or", "not"}:
            return self._logic(operator, arguments)
        if operator in _RELATIONS:
            sign = self.infix.get(operator, operator)
            return f" {sign} ".join(self.write(each, _PLUS) for each in arguments), _COMPARE
        if operator == "if":
            where, then, otherwise = (self.write(each, _OR) for each in arguments)
            return self.choice.format(where, then, otherwise), _IF
        if operator in {"sum", "each"}:
            index, low, high, body = arguments
            given = (
                self.write(low),
                self.write(high),
                self.function.format(index, self.write(body)),
            )
            return f"{self.calls[operator]}({', '.join(given)})", _ATOM
        return f"{self.calls[operator]}({', '.join(map(self.write, arguments))})", _ATOM

    def _atom(self, tree: str) -> tuple[str, int]:
        value = number(tree)
        if value is None:
            return tree, _ATOM
        return (self.integer(value), _ATOM) if value >= 0 else (f"-{self.integer(-value)}", _PLUS)

    def _sum(self, terms: list[Tree]) -> str:
        """Return a sum, with a minus before what is negative."""
        text = ""
        for term in terms:
            positive, sign = _absolute(term)
            written = self.write(positive, _TIMES)
            text += f" {sign} {written}" if text else written if sign == "+" else f"-{written}"
        return text

    def _logic(self, operator: str, arguments: list[Tree]) -> tuple[str, int]:
        sign = self.infix[operator]
        if operator == "not":
            return f"{sign}{self.write(arguments[0], _ATOM)}", _NOT
        if not arguments:
            return self.true if operator == "and" else self.false, _ATOM
        if len(arguments) == 1:
            return self._written(arguments[0])
        # In parentheses throughout: languages do not agree on which of the two binds tighter.
        return f" {sign} ".join(self.write(each, _COMPARE) for each in arguments), _OR


def _absolute(term: Tree) -> tuple[Tree, str]:
    """Return a term without its minus, and its sign."""
    value = number(term)
    if value is not None:
        return str(abs(value)), "-" if value < 0 else "+"
    if isinstance(term, list) and term[0] == "*":
        factor = number(term[1])
        if factor is not None and factor < 0:
            rest = term[2:] if factor == -1 else [str(-factor), *term[2:]]
            return (rest[0] if len(rest) == 1 else ["*", *rest]), "-"
    return term, "+"


_RELATIONS: Final = frozenset({"<", "<=", ">", ">=", "==", "!="})

PEOPLE: Final = Language(
    calls={
        "/": "exact",
        "floor": "floor_div",
        "ceil": "ceil_div",
        "mod": "mod",
        "min": "min",
        "max": "max",
        "sum": "sum",
        "each": "each",
    },
    infix={"and": "and", "or": "or", "not": "not "},
    choice="{1} if {0} else {2}",
    function="{0} -> {1}",
    true="true",
    false="false",
)
"""How people are shown a tree: as Python writes it."""


def text_of(tree: Tree) -> str:
    """Return a tree as people read it."""
    return PEOPLE.write(tree)
