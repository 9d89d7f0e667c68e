"""What an operation costs, in FLOPs. Costs add, and scale with a count."""

from __future__ import annotations

from attrs import frozen

from flopbench.dims import Dim


@frozen(eq=False)
class Cost:
    """FLOPs of some operations.

    Attributes:
        tensor_flops: matrix products, convolutions and attention cores (2 FLOPs per MAC).
        vector_flops: everything else, under the convention of `flopbench.conventions`.
        torch_visible_flops: the part that torch's FlopCounterMode has a formula for and counts.
        padding_flops: the part of the tensor FLOPs that a kernel spends on whole tiles beyond
            the pairs that the result needs, where the attention mode tells.
    """

    tensor_flops: Dim = 0
    vector_flops: Dim = 0
    torch_visible_flops: Dim = 0
    padding_flops: Dim = 0

    @property
    def flops(self) -> Dim:
        """All FLOPs: tensor and vector."""
        return self.tensor_flops + self.vector_flops

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.tensor_flops + other.tensor_flops,
            self.vector_flops + other.vector_flops,
            self.torch_visible_flops + other.torch_visible_flops,
            self.padding_flops + other.padding_flops,
        )

    def __mul__(self, count: Dim) -> Cost:
        return Cost(
            self.tensor_flops * count,
            self.vector_flops * count,
            self.torch_visible_flops * count,
            self.padding_flops * count,
        )
