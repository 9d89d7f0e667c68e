"""The record of a run as plain frozen data, and the abstract reporter that shows it."""

from flopbench.report.left_out import LeftOut, left_out
from flopbench.report.report import (
    FAILURES,
    SCHEMA_VERSION,
    Comparison,
    ComponentDifference,
    ComponentLaw,
    Deployment,
    ExecutedComponent,
    ExecutedKernel,
    Provenance,
    Report,
    Required,
    Series,
    Verdict,
)
from flopbench.report.reporter import Reporter
from flopbench.vendor.attribution import Entry, UncountedOp

__all__ = [
    "FAILURES",
    "SCHEMA_VERSION",
    "Comparison",
    "ComponentDifference",
    "ComponentLaw",
    "Deployment",
    "Entry",
    "ExecutedComponent",
    "ExecutedKernel",
    "LeftOut",
    "Provenance",
    "Report",
    "Reporter",
    "Required",
    "Series",
    "UncountedOp",
    "Verdict",
    "left_out",
]
