"""How many FLOPs does a model really do, stage by stage? Two witnesses, reconciled exactly.

The names below load on first use: ``flopbench --help`` needs none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from flopbench.moved import install as _old_paths
from flopbench.version import __version__

if TYPE_CHECKING:
    from flopbench.analytic import (
        AnalyticModel,
        AttentionMode,
        Named,
        Size,
        Stage,
        Sweep,
        SweepLimits,
        SweepPoint,
    )
    from flopbench.api import compare, explain, export, prove, referee, run, survey, sweep
    from flopbench.errors import CountError, UsageError
    from flopbench.formulas import Formula
    from flopbench.modules.count import count, counting
    from flopbench.modules.counted import ModuleCount
    from flopbench.modules.law import law
    from flopbench.modules.module_law import ModuleLaw
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
        Op,
        PricedOp,
        Recurrence,
        Rope,
        Softmax,
    )
    from flopbench.registry.hookspecs import hookimpl
    from flopbench.report import Reporter
    from flopbench.vendor import (
        Convention,
        Count,
        Counted,
        OwnFormula,
        Saved,
        SymbolicCounter,
        Trace,
        Uncounted,
        VendorCall,
        VendorCounter,
        VendorModel,
        VendorStage,
    )

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
    "Formula",
    "FusedAttention",
    "KvCacheUpdate",
    "Linear",
    "MatMul",
    "ModuleCount",
    "ModuleLaw",
    "Named",
    "Norm",
    "Op",
    "OwnFormula",
    "PricedOp",
    "Recurrence",
    "Reporter",
    "Rope",
    "Saved",
    "Size",
    "Softmax",
    "Stage",
    "Sweep",
    "SweepLimits",
    "SweepPoint",
    "SymbolicCounter",
    "Trace",
    "Uncounted",
    "UsageError",
    "VendorCall",
    "VendorCounter",
    "VendorModel",
    "VendorStage",
    "__version__",
    "compare",
    "count",
    "counting",
    "explain",
    "export",
    "hookimpl",
    "law",
    "prove",
    "referee",
    "run",
    "survey",
    "sweep",
]

_NAMES = {
    "flopbench.analytic": (
        "AnalyticModel",
        "AttentionMode",
        "Named",
        "Size",
        "Stage",
        "Sweep",
        "SweepLimits",
        "SweepPoint",
    ),
    "flopbench.api": (
        "compare",
        "explain",
        "export",
        "prove",
        "referee",
        "run",
        "survey",
        "sweep",
    ),
    "flopbench.errors": (
        "CountError",
        "UsageError",
    ),
    "flopbench.formulas": ("Formula",),
    "flopbench.modules.count": (
        "count",
        "counting",
    ),
    "flopbench.modules.counted": ("ModuleCount",),
    "flopbench.modules.law": ("law",),
    "flopbench.modules.module_law": ("ModuleLaw",),
    "flopbench.ops": (
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
        "Norm",
        "Op",
        "PricedOp",
        "Recurrence",
        "Rope",
        "Softmax",
    ),
    "flopbench.registry.hookspecs": ("hookimpl",),
    "flopbench.report": ("Reporter",),
    "flopbench.vendor": (
        "Convention",
        "Count",
        "Counted",
        "OwnFormula",
        "Saved",
        "SymbolicCounter",
        "Trace",
        "Uncounted",
        "VendorCall",
        "VendorCounter",
        "VendorModel",
        "VendorStage",
    ),
}
"""The public names of each package."""

_PACKAGES = frozenset(
    {
        "analytic",
        "blocks",
        "conventions",
        "dims",
        "errors",
        "formulas",
        "ops",
        "plan",
        "report",
        "schemas",
    }
    | {"testing", "values", "vendor"}
)
"""What else may be used as an attribute, after ``import flopbench`` alone."""

_HOMES = {name: package for package, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load a public name on first use.

    Raises:
        AttributeError: there is no such name.
    """
    if name in _PACKAGES:
        return import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


_old_paths()
