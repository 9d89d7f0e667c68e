"""The loss at the end of a training step."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from flopbench.conventions import Conventions
from flopbench.dims import Dim, dim_field
from flopbench.ops import FLOAT32, Kept, Needs, VectorGradient, VectorOp


@frozen(kw_only=True, eq=False)
class CrossEntropy(VectorOp):
    """The cross entropy of logits: the log of a softmax over each row, at the row's target."""

    kind = "cross_entropy"
    logits: Dim = dim_field()

    @property
    def elements(self) -> Dim:
        return self.logits

    def results(self) -> Dim:
        return 1

    def vector_flops(self, conventions: Conventions) -> Dim:
        return self.logits * conventions.softmax

    def backward(self, needs: Needs) -> Iterator[VectorGradient]:
        """Yield the gradient of the logits, (p - target) / rows."""
        yield VectorGradient(
            component=self.component, function="cross_entropy", outputs=self.logits
        )

    def keeps(self, needs: Needs) -> Iterator[Kept]:
        """Yield the logs of the probabilities, in float32.

        transformers' losses turn logits into float32 first (``ForCausalLMLoss``), and PyTorch keeps
        the result of its log-softmax.
        """
        yield Kept(elements=self.logits, bytes_each=FLOAT32)
