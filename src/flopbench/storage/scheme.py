"""Quantisation schemes: the bytes of a weight matrix, its scales and its zero points."""

from __future__ import annotations

from abc import ABC, abstractmethod

from attrs import frozen

from flopbench.dims import Dim
from flopbench.storage.dtypes import bytes_of
from flopbench.storage.matrix import Matrix


@frozen(eq=False)
class Stored:
    """Bytes of a matrix.

    Attributes:
        weights: the packed weights.
        scales: scales, of whatever level, and of activations if they are stored.
        zeros: zero points, and what else a scheme stores.
    """

    weights: Dim
    scales: Dim = 0
    zeros: Dim = 0

    @property
    def total(self) -> Dim:
        """All bytes."""
        return self.weights + self.scales + self.zeros


class Scheme(ABC):
    """A way to store weight matrices."""

    name: str
    """What reports and settings call it."""

    compute: str | None = None
    """The dtype of its products on a GPU that has it; None for that of the activations."""

    @abstractmethod
    def stored(self, matrix: Matrix) -> Stored:
        """Return the bytes of a matrix, all copies."""


@frozen
class Plain(Scheme):
    """Weights of one dtype, without scales."""

    dtype: str

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.dtype

    def stored(self, matrix: Matrix) -> Stored:
        return Stored(bytes_of(matrix.elements, self.dtype))
