"""The operations that analytic models emit: small frozen values, each under a component path.

Repeated work is a count, not a loop: ``layers`` identical operations, each with its own
weights and run ``steps`` times. Every dimension may be an int, an array or a symbol
(`flopbench.dims`).

`Attention` is the one operation without a price of its own: an attention mode lowers it
to the others (`flopbench.AttentionMode`).
"""

from flopbench.ops.attention import Attention, LatentKeys
from flopbench.ops.base import (
    OWN_VISIBLE,
    TORCH_VISIBLE,
    MatrixOp,
    Op,
    PricedOp,
    VectorOp,
    optional_dim_field,
)
from flopbench.ops.convolution import Conv2d, Convolution
from flopbench.ops.core import Core, expanded
from flopbench.ops.cost import Cost
from flopbench.ops.flow import STREAM, Needs, Unit
from flopbench.ops.fused import FusedAttention
from flopbench.ops.gradients import InputGradient, WeightGradient
from flopbench.ops.kept import FLOAT32, INDEX, Kept
from flopbench.ops.lookups import Embedding, KvCacheUpdate
from flopbench.ops.matrix import ExpertLinear, Linear, MatMul, TriangularSolve
from flopbench.ops.recurrences import (
    CausalConvolution,
    ChannelDeltaRule,
    DeltaRule,
    FusedRecurrence,
    Lightning,
    Recurrence,
    RgLru,
    SelectiveScan,
    ShiftedConvolution,
    StateSpace,
    TokenShift,
    Wkv,
)
from flopbench.ops.tensors import LargestTensor, Tensor
from flopbench.ops.vector import Elementwise, Norm, Rope, Softmax, VectorGradient

__all__ = [
    "FLOAT32",
    "INDEX",
    "OWN_VISIBLE",
    "STREAM",
    "TORCH_VISIBLE",
    "Attention",
    "CausalConvolution",
    "ChannelDeltaRule",
    "Conv2d",
    "Convolution",
    "Core",
    "Cost",
    "DeltaRule",
    "Elementwise",
    "Embedding",
    "ExpertLinear",
    "FusedAttention",
    "FusedRecurrence",
    "InputGradient",
    "Kept",
    "KvCacheUpdate",
    "LargestTensor",
    "LatentKeys",
    "Lightning",
    "Linear",
    "MatMul",
    "MatrixOp",
    "Needs",
    "Norm",
    "Op",
    "PricedOp",
    "Recurrence",
    "RgLru",
    "Rope",
    "SelectiveScan",
    "ShiftedConvolution",
    "Softmax",
    "StateSpace",
    "Tensor",
    "TokenShift",
    "TriangularSolve",
    "Unit",
    "VectorGradient",
    "VectorOp",
    "WeightGradient",
    "Wkv",
    "expanded",
    "optional_dim_field",
]
