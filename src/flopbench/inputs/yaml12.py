"""YAML as people write it: the scalars of YAML 1.2's core schema, and nothing that surprises.

YAML 1.1 reads 1:30 as 90, 010 as 8 and `no` as false. Here these are text, which a field of text
takes and a field of numbers refuses (`flopbench.inputs.numbers` says what to write).
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from typing import Any

import yaml

from flopbench.inputs.numbers import PLAIN, integer

MOST_BYTES = 2**20
"""What a file of YAML may hold: the parser takes a second for as much."""

MOST_VALUES = 100_000
"""Values in a document: aliases can make billions of a few lines."""

MISSING = "???"
"""What OmegaConf takes for a value to be filled in later."""

_FLOAT = re.compile(
    r"[-+]?(?:(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+"
    r"|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)"
)
_BOOL = re.compile("true|True|TRUE|false|False|FALSE")
_NULL = re.compile("~|null|Null|NULL|")


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {}  # noqa: RUF012 - as the base declares them
    yaml_constructors = {}  # noqa: RUF012 - the same

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        keys: set[tuple[str, str]] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode) and (key.tag, key.value) in keys:
                raise _wrong(key, f"found duplicate key {key.value}")
            keys.add((key.tag, str(key.value)))
        return super().construct_mapping(node, deep=deep)


def _wrong(node: yaml.Node, problem: str) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _scalar(pattern: re.Pattern[str], make: Any, what: str) -> Any:
    """Return a constructor of scalars that match; any other, so tagged, is an error."""

    def construct(loader: _Loader, node: Any) -> Any:
        text = loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None
        if text is None or not pattern.fullmatch(text):
            raise _wrong(node, f"found what is not {what}")
        try:
            return make(text)
        except ValueError as error:
            raise _wrong(node, f"a number must be {error}") from error

    return construct


def _text(loader: _Loader, node: Any) -> str:
    text = str(loader.construct_scalar(node))
    if text == MISSING:
        raise _wrong(node, f"{MISSING} stands for a value that is missing")
    return text


def _float(text: str) -> float:
    word = text.lower().replace("_", "")
    return float(word.replace(".inf", "inf").replace(".nan", "nan"))


_TAG = "tag:yaml.org,2002:"
for _name, _pattern, _make, _what in (
    ("null", _NULL, lambda text: None, "null"),
    ("bool", _BOOL, lambda text: text.lower() == "true", "true or false"),
    ("int", PLAIN, integer, "an integer"),
    ("float", _FLOAT, _float, "a number"),
):
    _Loader.add_implicit_resolver(f"{_TAG}{_name}", re.compile(f"(?:{_pattern.pattern})$"), None)
    _Loader.add_constructor(f"{_TAG}{_name}", _scalar(_pattern, _make, _what))
_Loader.add_implicit_resolver(f"{_TAG}merge", re.compile("<<$"), ["<"])
_Loader.add_constructor(f"{_TAG}str", _text)
for _name in ("seq", "map"):
    _Loader.add_constructor(f"{_TAG}{_name}", yaml.SafeLoader.yaml_constructors[f"{_TAG}{_name}"])
_Loader.add_constructor(None, yaml.SafeLoader.yaml_constructors[None])


def parse(text: str) -> Any:
    """Return what a text of YAML holds: mappings, lists, text, numbers, flags and null.

    Raises:
        ValueError: it is not valid YAML, or holds too much; the message is a phrase.
    """
    try:
        found = yaml.load(text, _Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise ValueError(_reason(error)) from error
    except (OverflowError, ValueError) as error:
        if isinstance(error, OverflowError) or "chr()" in str(error):
            raise ValueError("it has an escape of a character that there is not") from error
        raise
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if next((n for n, _ in enumerate(values(found)) if n >= MOST_VALUES), None) is not None:
        raise ValueError(f"it holds more than {MOST_VALUES:,} values")
    return found


def nodes(text: str) -> yaml.Node | None:
    """Return the nodes of a text of YAML, before they become values.

    Raises:
        yaml.YAMLError: it is not valid.
    """
    return yaml.compose(text, _Loader)


def values(value: Any) -> Iterator[Any]:
    """Yield all values, those behind an alias each time; endless if one holds itself."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        yield found
        if isinstance(found, dict):
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found


def _reason(error: yaml.YAMLError) -> str:
    """Return the cause and the line: they are not in the first line of the error's text."""
    problem, mark = getattr(error, "problem", None), getattr(error, "problem_mark", None)
    if problem and mark:
        return f"{problem} in line {mark.line + 1}"
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
