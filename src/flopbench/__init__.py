"""How many FLOPs does a model really do, stage by stage? Two witnesses, reconciled exactly."""

from flopbench.analytic import AnalyticModel, AttentionMode, Named, Size, Stage
from flopbench.errors import CountError, UsageError
from flopbench.ops import (
    Attention,
    Conv2d,
    Cost,
    Elementwise,
    Embedding,
    ExpertLinear,
    FusedAttention,
    KvCacheUpdate,
    Linear,
    MatMul,
    Norm,
    Rope,
    Softmax,
)
from flopbench.registry.hookspecs import hookimpl
from flopbench.report import Reporter
from flopbench.vendor import (
    Convention,
    Count,
    Counted,
    SymbolicCounter,
    Trace,
    Uncounted,
    VendorCall,
    VendorCounter,
    VendorModel,
    VendorStage,
)
from flopbench.version import __version__

__all__ = [
    "AnalyticModel",
    "Attention",
    "AttentionMode",
    "Conv2d",
    "Convention",
    "Cost",
    "Count",
    "CountError",
    "Counted",
    "Elementwise",
    "Embedding",
    "ExpertLinear",
    "FusedAttention",
    "KvCacheUpdate",
    "Linear",
    "MatMul",
    "Named",
    "Norm",
    "Reporter",
    "Rope",
    "Size",
    "Softmax",
    "Stage",
    "SymbolicCounter",
    "Trace",
    "Uncounted",
    "UsageError",
    "VendorCall",
    "VendorCounter",
    "VendorModel",
    "VendorStage",
    "__version__",
    "hookimpl",
]
