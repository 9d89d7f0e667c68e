"""What operations cost, in FLOPs and bytes moved. Costs can be added."""

from __future__ import annotations

import attrs
from attrs import frozen

from flopbench.dims import Dim, Real, as_real


@frozen(eq=False)
class Cost:
    """FLOPs of some operations, and the bytes that they move.

    Each operation reads its operands once and writes its result once, whatever caches a
    chip has: compulsory traffic, as in the roofline model (Williams, Waterman and
    Patterson, CACM 52(4), 2009).

    Attributes:
        tensor_flops: matrix products, convolutions, attention cores (2 FLOPs per MAC), and solves.
        vector_flops: everything else, under the convention of `flopbench.conventions`.
        weight_bytes_read: weights that every pass reads, once per pass, except routed experts.
        expected_expert_bytes_read: weights of the routed experts that the tokens of a pass
            are expected to use (`flopbench.dims.expected_distinct`); a real number.
        kv_cache_bytes_read, kv_cache_bytes_written: keys and values in the cache, and states of
            recurrences.
        activation_bytes_read, activation_bytes_written: everything else.
        padding_flops: the part of the tensor FLOPs that a kernel spends on whole tiles beyond
            the pairs that the result needs, if the attention mode reports it.
    """

    tensor_flops: Dim = 0
    vector_flops: Dim = 0
    padding_flops: Dim = 0
    weight_bytes_read: Dim = 0
    expected_expert_bytes_read: Real = 0.0
    kv_cache_bytes_read: Dim = 0
    kv_cache_bytes_written: Dim = 0
    activation_bytes_read: Dim = 0
    activation_bytes_written: Dim = 0

    @property
    def flops(self) -> Dim:
        """All FLOPs: tensor and vector."""
        return self.tensor_flops + self.vector_flops

    @property
    def bytes_moved(self) -> Real:
        """All bytes read and written, including those expected of routed experts."""
        exact = (
            self.weight_bytes_read
            + self.kv_cache_bytes_read
            + self.kv_cache_bytes_written
            + self.activation_bytes_read
            + self.activation_bytes_written
        )
        return as_real(exact) + self.expected_expert_bytes_read

    def __add__(self, other: Cost) -> Cost:
        return Cost(*map(_sum, _values(self), _values(other)))


_NAMES = tuple(field.name for field in attrs.fields(Cost))


def _values(cost: Cost) -> list[Dim]:
    return [getattr(cost, name) for name in _NAMES]


def _is_zero(value: Dim) -> bool:
    return isinstance(value, int | float) and value == 0


def _sum(a: Dim, b: Dim) -> Dim:
    # Most operations leave most fields at 0, and adding 0 to an array costs time.
    return b if _is_zero(a) else a if _is_zero(b) else a + b


def times(value: Dim, count: Dim) -> Dim:
    """Return ``value`` times ``count``; a 0 stays a plain number even if ``count`` is an array."""
    return value if _is_zero(value) else value * count
