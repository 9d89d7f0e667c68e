"""A canonical text of a value (``repr`` may hide fields), and a digest of a strategy's code."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import math
import sys
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from numbers import Integral
from pathlib import Path
from typing import Any

import attrs


def canonical(value: Any) -> str:
    """Return a text that equal values share and different values do not.

    Accepts numbers, strings, None, paths, lists, tuples, sets, mappings, and attrs and data classes
    of them, with every field included.

    Raises:
        TypeError: a value inside is of another type, whose fields are unknown.
    """
    return json.dumps(_plain(value), sort_keys=True)


def distinct(value: Any) -> Any:
    """Return a key that equal values share; a unique one for a value without a canonical text."""
    try:
        return canonical(value)
    except TypeError:
        return object()


def _plain(value: Any) -> Any:  # noqa: PLR0911 - one return per kind of value reads best
    if value is None or isinstance(value, bool | str | float):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return {"Path": str(value)}
    if isinstance(value, Mapping):
        return {"mapping": _sorted([_plain(key), _plain(item)] for key, item in value.items())}
    if isinstance(value, AbstractSet):
        return {"set": _sorted(map(_plain, value))}
    return {type(value).__qualname__: {name: _plain(item) for name, item in _fields(value)}}


def _sorted(items: Any) -> list[Any]:
    return sorted(items, key=json.dumps)


def _fields(value: Any) -> list[tuple[str, Any]]:
    if attrs.has(type(value)):
        names = [field.name for field in attrs.fields(type(value))]
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
    else:
        raise TypeError(f"a {type(value).__name__} has no canonical text: its fields are unknown")
    return [(name, getattr(value, name)) for name in names]


def to_json(value: Any) -> Any:
    """Return a value as strict JSON holds it: the same kinds as `canonical` takes.

    Attrs and data classes become objects of their fields, sets sorted lists, and keys text.
    Infinities and NaN become ``{"__float__": "Infinity"}``, as transformers writes them.

    Raises:
        TypeError: a value inside is of another kind, or two keys have the same text.
    """
    if isinstance(value, float) and not math.isfinite(value):
        return {"__float__": json.dumps(value)}
    if value is None or isinstance(value, bool | str | float):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple | AbstractSet):
        items = [to_json(item) for item in value]
        return _sorted(items) if isinstance(value, AbstractSet) else items
    fields = list(value.items()) if isinstance(value, Mapping) else _fields(value)
    found = {str(key): to_json(item) for key, item in fields}
    if len(found) != len(fields):
        raise TypeError(f"two of the keys {[key for key, _ in fields]} have the same text")
    return found


def json_digest(value: Any) -> str:
    """Return ``sha256:`` and the digest of strict JSON, with sorted keys and no spaces."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def source_digest(cls: type) -> str | None:
    """Return a digest of the files of a class's package, or of its own file; None without one."""
    package = sys.modules.get(cls.__module__.partition(".")[0])
    folders = getattr(package, "__path__", None)
    if folders:
        return _digest(_sources(tuple(folders)))
    try:
        file = inspect.getsourcefile(cls)
    except (OSError, TypeError):
        return None
    return _digest((Path(file),)) if file else None


@cache
def _sources(folders: tuple[str, ...]) -> tuple[Path, ...]:
    """List the files once: a survey digests all code for each row."""
    return tuple(sorted(p for f in folders for p in Path(f).rglob("*.py")))


@cache
def _digest(files: tuple[Path, ...]) -> str:
    """Digest files in order; a file deleted in the meantime counts as empty."""
    found = hashlib.sha256()
    for path in files:
        found.update(path.name.encode())
        found.update(path.read_bytes() if path.is_file() else b"")
    return found.hexdigest()
