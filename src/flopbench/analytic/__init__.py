"""Witness 1, the closed forms: which operations a model runs, and what they cost."""

from flopbench.analytic.attention import AttentionMode
from flopbench.analytic.model import AnalyticModel, Named, Size, Stage
from flopbench.analytic.sweeps import Sweep, SweepLimits, SweepPoint

__all__ = [
    "AnalyticModel",
    "AttentionMode",
    "Named",
    "Size",
    "Stage",
    "Sweep",
    "SweepLimits",
    "SweepPoint",
]
