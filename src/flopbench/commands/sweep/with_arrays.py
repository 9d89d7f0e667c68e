"""Inputs with other whole numbers, or with arrays of them; checked as any inputs are."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
from attrs import evolve, fields, has

from flopbench.dims import is_array
from flopbench.dims.arrays import IntArray
from flopbench.inputs.numbers import MOST


class NotInArraysError(Exception):
    """These inputs must be made from their configuration, one point after the other."""


def with_sizes(inputs: Any, sizes: Mapping[str, int]) -> Any:
    """Return inputs with other whole numbers, by dotted key.

    Raises:
        NotInArraysError: a key names no plain whole number, or a validator refuses one.
    """
    try:
        return _changed(inputs, sizes, lambda owner, changes: evolve(owner, **changes))
    except Exception as error:
        raise NotInArraysError(str(error)) from error


def inputs_in_arrays(inputs: Any, sizes: Mapping[str, Any]) -> Any:
    """Return inputs with arrays in place of whole numbers, by dotted key.

    Each validator of a number sees each of its values. One of another field, or one that looks at
    other fields, works if it asks nothing of arrays.

    Raises:
        NotInArraysError: a key names no plain whole number, or a validator refuses or fails.
    """
    try:
        return _changed(inputs, sizes, _in_arrays)
    except Exception as error:
        raise NotInArraysError(str(error)) from error


def _changed(owner: Any, changes: Mapping[str, Any], make: Any) -> Any:
    """Change fields by dotted key; ``make`` gets an owner and its own fields' values."""
    own: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {}
    for key, value in changes.items():
        name, dot, rest = key.partition(".")
        if dot:
            inner.setdefault(name, {})[rest] = value
        else:
            own[name] = value
    for field in fields(type(owner)):
        if field.name in own and type(getattr(owner, field.name)) is not int:
            raise NotInArraysError(f"{field.name} is no whole number")
        if field.converter is not None or not field.init:
            raise NotInArraysError(f"{field.name} is made of something else")
    for value in own.values():
        if max(abs(int(np.min(value))), abs(int(np.max(value)))) > MOST:
            raise NotInArraysError(f"a number is above {MOST:,}")
    for name, deeper in inner.items():
        own[name] = _changed(getattr(owner, name), deeper, make)
    return make(owner, own)


def _in_arrays(owner: Any, changes: Mapping[str, Any]) -> Any:
    cls = type(owner)
    if hasattr(cls, "__attrs_post_init__") or hasattr(cls, "__attrs_pre_init__"):
        raise NotInArraysError(f"{cls.__name__} does more than to keep its values")
    made = copy.copy(owner)
    for name, value in changes.items():
        column = value if has(type(value)) else IntArray.of(value)
        object.__setattr__(made, name, column)
    for field in fields(cls):
        if field.validator is not None:
            value = getattr(made, field.name)
            for each in np.unique(np.asarray(value)).tolist() if is_array(value) else (value,):
                field.validator(made, field, each)
    return made
