"""The record of a run as plain frozen data, and the abstract reporter that shows it."""

from flopbench.report.report import (
    FAILURES,
    SCHEMA_VERSION,
    Comparison,
    ComponentDifference,
    ExecutedComponent,
    ExecutedKernel,
    Provenance,
    Report,
    Series,
    Verdict,
)
from flopbench.report.reporter import Reporter
from flopbench.vendor.attribution import Entry, UncountedOp

__all__ = [
    "Comparison",
    "ComponentDifference",
    "Entry",
    "ExecutedComponent",
    "ExecutedKernel",
    "FAILURES",
    "Provenance",
    "Report",
    "Reporter",
    "SCHEMA_VERSION",
    "Series",
    "UncountedOp",
    "Verdict",
]
