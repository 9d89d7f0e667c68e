"""Python values as the ``KEY=VALUE`` texts that the command line takes."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from numbers import Integral, Real
from typing import Any

from flopbench.errors import UsageError
from flopbench.inputs import yaml12
from flopbench.inputs.numbers import quoted

_PLAIN = re.compile(r"[A-Za-z_/.][A-Za-z0-9_/.-]*")
_PRINTABLE = range(ord(" "), ord("~") + 1)


def overrides(section: str, values: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield a ``KEY=VALUE`` for each value of a section; keys of inner mappings are dotted.

    Raises:
        UsageError: it is no mapping, a key is no name, or a value is of a type that has no text.
    """
    if values is None:
        return
    if not isinstance(values, Mapping):
        raise UsageError(f"{section} must be a mapping of keys, got {quoted(values)}")
    for name, value in values.items():
        if not isinstance(name, str) or not name or "=" in name:
            raise UsageError(f"{section} must have names as keys, got {quoted(name)}")
        key = f"{section}.{name}"
        if isinstance(value, Mapping) and value:
            yield from overrides(key, value)
        else:
            yield f"{key}={written(key, value)}"


def varied(vary: Mapping[str, Any] | Iterable[str]) -> tuple[str, ...]:
    """Return texts of ``--vary``: a key's values may be a list, or a text such as ``1:1024:64``.

    Raises:
        UsageError: a key is no text, or a value is of a type that has no text.
    """
    if isinstance(vary, str):
        return (vary,)
    if not isinstance(vary, Mapping):
        return tuple(vary)
    return tuple(f"{key}={_varied(key, values)}" for key, values in vary.items())


def _varied(key: str, values: Any) -> str:
    if isinstance(values, str):
        return values
    is_list = isinstance(values, Iterable) and not isinstance(values, Mapping)
    return ",".join(written(f"--vary {key}", value) for value in (values if is_list else (values,)))


def written(key: str, value: Any) -> str:
    """Return a value as YAML on one line.

    Args:
        key: what the value is of, for the message.

    Raises:
        UsageError: it is of a type that has no text.
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str | os.PathLike):
        return _text(os.fspath(value))
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        return _float(float(value))
    if isinstance(value, Mapping):
        inner = (f"{_text(str(name))}: {written(key, each)}" for name, each in value.items())
        return f"{{{', '.join(inner)}}}"
    if isinstance(value, list | tuple | range):
        return f"[{','.join(written(key, each) for each in value)}]"
    raise UsageError(
        f"{key} must be a number, text, boolean, path, list or mapping, got {quoted(value)}"
    )


def _float(number: float) -> str:
    if math.isfinite(number):
        return repr(number)
    return ".nan" if math.isnan(number) else ".inf" if number > 0 else "-.inf"


def _text(text: str) -> str:
    """Return a text as it is if YAML takes it for this text; or else in quotes."""
    if _PLAIN.fullmatch(text) and yaml12.parse(text) == text:
        return text
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if ord(character) in _PRINTABLE:
        return f"\\{character}" if character in '"\\' else character
    return f"\\U{ord(character):08x}"
