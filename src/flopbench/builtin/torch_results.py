"""What elementwise ops make of meta tensors: of the same shapes the same shape, and no values.

Torch works the shape out in Python, op by op, which is most of the time that a model takes on the
meta device. Equal layers ask for the same again and again.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import cache
from typing import Any

import torch
from attrs import define, field

_OTHERS = frozenset({"aten.mean.dim", "aten.cat.default"})
"""Ops that are not elementwise, and as plain: they return a new tensor."""

_NUMBERS = (bool, int, float, type(None), torch.dtype, torch.device, torch.memory_format)
_TENSORS = (torch.Tensor, torch.nn.Parameter)


class _UnknownError(Exception):
    """An argument may tell more than its shape."""


@define
class Results:
    """The shapes that elementwise ops returned, by op and by all that they were given."""

    _known: dict[Hashable, tuple[Any, Any, Any]] = field(factory=dict)

    def of(self, op: Any, args: Any, kwargs: Mapping[str, Any]) -> Any:
        """Run an op; one that was run on the same shapes is not run again.

        What it returns is a tensor of its own, as if it had been run.
        """
        if not _is_plain(op):
            return op(*args, **kwargs)
        try:
            key = op, _told(args), _told([*kwargs.items()]), torch.get_default_dtype()
        except _UnknownError:
            return op(*args, **kwargs)
        known = self._known.get(key)
        if known is not None:
            return torch.empty_strided(known[0], known[1], dtype=known[2], device="meta")
        out = op(*args, **kwargs)
        if _is_on_meta(out):
            self._known[key] = tuple(out.shape), out.stride(), out.dtype
        return out


@cache
def _is_plain(op: Any) -> bool:
    """Return whether all that an op returns is one new tensor, and its arguments tell its shape."""
    schema = op._schema  # noqa: SLF001 - no public way
    returned = [(str(each.type), each.alias_info) for each in schema.returns]
    makes_one = not schema.is_mutable and returned == [("Tensor", None)]
    return makes_one and (torch.Tag.pointwise in op.tags or str(op) in _OTHERS)


def _told(value: Any) -> Hashable:
    """Return what tells a result: of a tensor all but values, which meta tensors do not have.

    Raises:
        _UnknownError: there may be more.
    """
    if type(value) in _TENSORS:
        if not _is_on_meta(value):
            raise _UnknownError
        return value.shape, value.stride(), value.dtype
    if isinstance(value, list | tuple):
        return tuple([_told(each) for each in value])
    if type(value) in _NUMBERS or type(value) is str:
        return type(value), value
    raise _UnknownError


def _is_on_meta(tensor: Any) -> bool:
    plain = type(tensor) in _TENSORS and tensor.is_meta and tensor.layout is torch.strided
    return plain and not tensor.dtype.is_complex and not tensor.is_neg()
