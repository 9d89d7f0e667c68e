"""The tensors that operations make, and the largest of them: what must find room in one piece."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from attrs import asdict, frozen

from flopbench.dims import Dim
from flopbench.storage import bytes_of
from flopbench.text import si

_LOGITS = {("lm_head", "linear"): "logits"}
"""What products are called, by the last name of their component and their kind."""


@frozen(eq=False)
class Tensor:
    """A tensor that one run of an operation makes.

    Attributes:
        name: what it is, such as ``attention scores``.
        shape: its sizes; their product is its elements.
        dtype: its type, if not that of the model's activations.
    """

    name: str
    shape: tuple[Dim, ...]
    dtype: str | None = None

    @property
    def elements(self) -> Dim:
        """Its elements."""
        return prod(self.shape)


@frozen(eq=False)
class Made:
    """A tensor as an operation of a stage makes it.

    Attributes:
        dtype: its type.
        runs: 1, or 0 if the operation has no copies.
    """

    component: str
    tensor: Tensor
    dtype: str
    runs: Dim

    @property
    def bytes(self) -> Dim:
        """Its bytes; 0 if it is not made."""
        return bytes_of(self.tensor.elements, self.dtype) * self.runs


@frozen(kw_only=True)
class LargestTensor:
    """The largest tensor that a stage makes.

    Attributes:
        name: what it is: the kind of operation that makes it, unless that says more.
        component: the part of the model that makes it.
        shape: sizes; rows of several sequences may be joined.
        dtype, bytes: its type and size.
    """

    name: str
    component: str
    shape: tuple[int, ...]
    dtype: str
    bytes: int

    @classmethod
    def of(cls, made: Made) -> LargestTensor:
        """Return a tensor whose sizes are numbers."""
        last = made.component.rpartition("/")[2]
        return cls(
            name=_LOGITS.get((last, made.tensor.name), made.tensor.name),
            component=made.component,
            shape=tuple(map(int, made.tensor.shape)),
            dtype=made.dtype,
            bytes=int(made.bytes),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**asdict(self), "shape": list(self.shape)}


def described(tensor: Mapping[str, Any]) -> str:
    """Say how large the largest tensor is and what, from its JSON form."""
    shape = " x ".join(f"{size:,}" for size in tensor["shape"])
    what = f"{tensor['name']} of {tensor['component']}, {shape}, {tensor['dtype']}"
    return f"{si(tensor['bytes'], 'B')} ({what})"
