"""Witness 2, the real program: what is called, who counts it, and where the work belongs."""

from flopbench.vendor.counter import (
    EXECUTED_FLOP,
    FLOPS_PER_UNIT,
    Convention,
    Count,
    Counted,
    Saved,
    StageCount,
    SymbolicCounter,
    Trace,
    Uncounted,
    VendorCounter,
)
from flopbench.vendor.model import VERIFIED, VendorCall, VendorModel, VendorStage
from flopbench.vendor.own import OwnFormula

__all__ = [
    "EXECUTED_FLOP",
    "FLOPS_PER_UNIT",
    "VERIFIED",
    "Convention",
    "Count",
    "Counted",
    "OwnFormula",
    "Saved",
    "StageCount",
    "SymbolicCounter",
    "Trace",
    "Uncounted",
    "VendorCall",
    "VendorCounter",
    "VendorModel",
    "VendorStage",
]
