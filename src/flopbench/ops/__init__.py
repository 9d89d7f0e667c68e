"""The operations that analytic models emit: small frozen values, each under a component path.

Repeated work is a count, not a loop: ``layers`` identical operations, each with its own
weights and run ``steps`` times. Every dimension may be an int, an array or a symbol
(`flopbench.dims`).

`Attention` is the one operation without a price of its own: an attention mode lowers it
to the others (`flopbench.AttentionMode`).
"""

from flopbench.ops.attention import Attention
from flopbench.ops.base import TORCH_VISIBLE, MatrixOp, Op, PricedOp, VectorOp, optional_dim_field
from flopbench.ops.cost import Cost
from flopbench.ops.fused import FusedAttention
from flopbench.ops.matrix import Conv2d, ExpertLinear, Linear, MatMul
from flopbench.ops.vector import Elementwise, Embedding, KvCacheUpdate, Norm, Rope, Softmax

__all__ = [
    "TORCH_VISIBLE",
    "Attention",
    "Conv2d",
    "Cost",
    "Elementwise",
    "Embedding",
    "ExpertLinear",
    "FusedAttention",
    "KvCacheUpdate",
    "Linear",
    "MatMul",
    "MatrixOp",
    "Norm",
    "Op",
    "PricedOp",
    "Rope",
    "Softmax",
    "VectorOp",
    "optional_dim_field",
]
