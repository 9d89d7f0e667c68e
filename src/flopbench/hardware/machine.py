"""What operations run on: a GPU, how tensors are stored, and in which dtype products are made."""

from __future__ import annotations

from attrs import frozen

from flopbench.hardware.gpus import Gpu
from flopbench.ops import PricedOp
from flopbench.storage import Storage


@frozen
class Machine:
    """A GPU that runs a model.

    Attributes:
        storage: how the model's tensors are stored.
        compute_dtype: that of all products; None for what follows from the storage.
    """

    gpu: Gpu
    storage: Storage
    compute_dtype: str | None = None

    def dtype_of(self, op: PricedOp) -> str:
        """Return the dtype in which the tensor work of an operation is done.

        A scheme that quantises activations as well has products of its own dtype, on a GPU that
        has it. All other products are of the activations' dtype: weights stored in fewer bits are
        converted to it first.
        """
        if self.compute_dtype is not None:
            return self.compute_dtype
        own = op.stored_as(self.storage).compute if op.matrices() else None
        return own if own is not None and self.gpu.has(own) else self.storage.activations

    def compute_ms(self, dtype: str, flops: int) -> float:
        """Return the milliseconds of tensor FLOPs at the dense peak of a dtype.

        Raises:
            UsageError: the GPU has no peak for it.
        """
        return 1000 * flops / self.gpu.peak(dtype) if flops else 0.0

    def memory_ms(self, moved: float) -> float:
        """Return the milliseconds of bytes at the GPU's bandwidth."""
        return 1000 * moved / self.gpu.bandwidth
