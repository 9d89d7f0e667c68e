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

__all__ = [
    "Comparison",
    "ComponentDifference",
    "ExecutedComponent",
    "ExecutedKernel",
    "FAILURES",
    "Provenance",
    "Report",
    "Reporter",
    "SCHEMA_VERSION",
    "Series",
    "Verdict",
]
