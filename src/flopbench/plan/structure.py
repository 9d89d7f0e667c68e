"""Turn plain data into frozen values: names and types are checked, so that an error has the key."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin

import attrs
from cattrs import Converter, transform_error
from cattrs.errors import (
    ForbiddenExtraKeysError,
    IterableValidationError,
    IterableValidationNote,
)

from flopbench.errors import UsageError, unknown
from flopbench.inputs.numbers import MOST, integer, quoted


def structure(name: str, values: Any, cls: type) -> Any:
    """Turn plain data into the frozen value of a section.

    Raises:
        UsageError: a key is unknown, or a value has the wrong type.
    """
    values = {} if values is None else values
    if not isinstance(values, Mapping):
        raise UsageError(f"{name} must be a mapping of keys, got {values!r}")
    _require_mappings(name, values, cls)
    try:
        return _CONVERTER.structure(values, cls)
    except Exception as error:
        # cattrs groups everything that is wrong; the message names the first problem.
        problems = transform_error(error, name, _explain)
        # A misspelt key comes before the key that is missing because of it.
        problem = min(problems, key=lambda text: "unknown key" not in text)
        message, _, path = problem.rpartition(" @ ")
        raise UsageError(f"{path}{message}") from error


def _require_mappings(name: str, values: Mapping[Any, Any], cls: type) -> None:
    """Refuse anything but a mapping for a table within a section."""
    for field in attrs.fields(attrs.resolve_types(cls)):
        value = values.get(field.name)
        tables = [kind for kind in (field.type, *get_args(field.type)) if attrs.has(kind)]
        is_table = tables and get_origin(field.type) in {None, Union, types.UnionType}
        optional = type(None) in get_args(field.type)
        if is_table and field.name in values and not (value is None and optional):
            where = f"{name}.{field.name}"
            if not isinstance(value, Mapping):
                keys = ", ".join(attrs.fields_dict(tables[0]))
                raise UsageError(f"{where} must be a mapping of {keys}; got {quoted(value)}")
            _require_mappings(where, value, tables[0])


_LONGEST = 500
"""Characters of another library's message that are shown."""


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message."""
    lines = str(error).strip().splitlines()
    line = lines[0] if lines else type(error).__name__
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


_VALIDATOR_MESSAGE = re.compile(r"'(\w+)' (must be .*): (.*)")
"""The message of an attrs validator: the field, the rule, the value."""


def _explain(error: BaseException, wanted: type | None) -> str:
    """Describe what is wrong with a value, in words that follow its key."""
    if isinstance(error, ForbiddenExtraKeysError):
        names = [a.name for a in attrs.fields(error.cl)]
        key = min(map(str, error.extra_fields))
        if key.partition(":")[0] in names:
            return f": unknown key {key!r}: put a space after the colon"
        return ": " + unknown("key", key, names)
    if isinstance(error, KeyError):
        return " is missing"
    if isinstance(error, _RefusedError):
        return f" {error}"
    message = first_line(error)
    validator = _VALIDATOR_MESSAGE.match(message)
    if validator:
        return ".{} {}, got {}".format(*validator.groups())
    return f": {message}"


class _RefusedError(ValueError):
    """A value that a field refuses: the message follows its key."""


class _WrongTypeError(_RefusedError):
    """A value of the wrong type: the message names the right type and the value."""

    def __init__(self, wanted: Any, value: Any) -> None:
        super().__init__(f"must be {_type_name(wanted)}, got {quoted(value)}")


_TYPE_NAMES = {
    int: "an integer",
    float: "a number",
    str: "text",
    bool: "true or false",
    type(None): "null",
}


def _list(kind: str) -> str:
    """Return what a list of a kind is called; what follows the kind in brackets stays there."""
    one, space, rest = kind.partition(" (")
    return f"a list of {one.removeprefix('an ').removeprefix('a ')}s{space}{rest}"


def _type_name(wanted: Any) -> str:
    if wanted in _TYPE_NAMES:
        return _TYPE_NAMES[wanted]
    arguments = get_args(wanted)
    if _is_tuple(wanted):
        return (
            f"a list, each {_type_name(arguments[0])}"
            if get_args(arguments[0])
            else _list(_type_name(arguments[0]))
        )
    if arguments and all(isinstance(argument, str) for argument in arguments):
        return " or ".join(map(repr, arguments))
    if arguments:
        return " or ".join(map(_type_name, arguments))
    return f"a mapping ({', '.join(a.name for a in attrs.fields(wanted))})"


def _is_tuple(wanted: Any) -> bool:
    origin: Any = get_origin(wanted)
    return origin is tuple


def _is_union(wanted: Any) -> bool:
    return get_origin(wanted) in (Union, types.UnionType)


def _exact(value: Any, wanted: Any) -> Any:
    """Return a scalar as it is: 1.0 and true are not integers, and only words are counts."""
    if wanted is int and type(value) is str:
        return _integer(value)
    if wanted is bool and type(value) is str and value in _FLAGS:
        return _FLAGS[value]
    if type(value) is int and wanted is float:
        return float(value)
    if type(value) is not wanted:
        raise _WrongTypeError(wanted, value)
    if wanted is int and abs(value) > MOST:
        raise _RefusedError(f"must be an integer of at most {MOST:,}, got {quoted(value)}")
    return value


def _integer(text: str) -> int:
    """Return the number that a text such as ``8k`` means."""
    try:
        return int(_exact(integer(text), int))
    except ValueError as error:
        text = str(error)
        raise _RefusedError(text if text.startswith("must be") else f"must be {text}") from error


_FLAGS = {
    word: value
    for value, words in ((True, ("yes", "on")), (False, ("no", "off")))
    for plain in words
    for word in (plain, plain.capitalize(), plain.upper())
}
"""What a flag may be beside true and false; a field of text takes these words as text."""


def _member(value: Any, wanted: Any) -> Any:
    for kind in get_args(wanted):
        if kind is type(None) or not _fits(value, kind):
            continue
        return _CONVERTER.structure(value, kind)
    if value is None and type(None) in get_args(wanted):
        return None
    if type(value) is str and int in get_args(wanted):
        return _integer(value)
    raise _WrongTypeError(wanted, value)


def _fits(value: Any, kind: Any) -> bool:
    if attrs.has(kind):
        return isinstance(value, Mapping)
    if _is_tuple(kind):
        return isinstance(value, list | tuple)
    if get_args(kind):
        return value in get_args(kind)
    return type(value) is kind or (kind is float and type(value) is int)


def _choice(value: Any, wanted: Any) -> Any:
    if value not in get_args(wanted):
        if isinstance(value, str):
            raise ValueError(unknown("value", value, get_args(wanted)))
        raise _WrongTypeError(wanted, value)
    return value


def _items(value: Any, wanted: Any) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise _WrongTypeError(wanted, value)
    kind = get_args(wanted)[0]
    if not attrs.has(kind):
        return tuple(_CONVERTER.structure(item, kind) for item in value)
    found, wrong = [], []
    for index, item in enumerate(value):
        try:
            if not isinstance(item, Mapping):
                raise _WrongTypeError(kind, item)  # noqa: TRY301 - told with its place, too
            found.append(_CONVERTER.structure(item, kind))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told with its place
            error.add_note(IterableValidationNote(f"item {index}", index, kind))
            wrong.append(error)
    if wrong:
        raise IterableValidationError("a list", wrong, wanted)
    return tuple(found)


def _new_converter() -> Converter:
    converter = Converter(forbid_extra_keys=True)
    for scalar in (int, float, str, bool):
        converter.register_structure_hook(scalar, _exact)
    converter.register_structure_hook_func(_is_tuple, _items)
    converter.register_structure_hook_func(
        lambda t: bool(get_args(t)) and all(isinstance(a, str) for a in get_args(t)), _choice
    )
    converter.register_structure_hook_func(_is_union, _member)
    return converter


_CONVERTER = _new_converter()
