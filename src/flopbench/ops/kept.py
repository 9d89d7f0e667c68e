"""What the forward of an operation leaves for its backward."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from flopbench.dims import Dim, dim_field

FLOAT32: Final = 4
"""Bytes of an element of a statistic, such as a norm's, whatever the dtype of activations."""

INDEX: Final = 8
"""Bytes of an index: PyTorch's are int64."""


@frozen(kw_only=True, eq=False)
class Kept:
    """A tensor that the backward of an operation reads, and that must be kept until then.

    Attributes:
        elements: of one run of one copy.
        operand: which of the values that the operation takes it is, if it is one of them. A value
            that several operations keep is kept once.
        result: whether it is the operation's result, which the next one may keep, too.
        shared: the name of a value that the whole model has once, such as ``angles``; "" if it is
            none.
        bytes_each: bytes of an element; None for those of an activation.
    """

    elements: Dim = dim_field()
    operand: int | None = None
    result: bool = False
    shared: str = ""
    bytes_each: int | None = None
