"""Conformance suites and hypothesis strategies for plugin tests (needs the extra ``testing``).

A complete test is a subclass that names its plugin::

    from flopbench.testing import ModelConformance

    class TestMine(ModelConformance):
        model = "mine"
"""

from flopbench.testing.attention import AttentionConformance
from flopbench.testing.counters import CounterConformance
from flopbench.testing.formulas import FormulaConformance
from flopbench.testing.models import ModelConformance
from flopbench.testing.reporters import ReporterConformance

__all__ = [
    "AttentionConformance",
    "CounterConformance",
    "FormulaConformance",
    "ModelConformance",
    "ReporterConformance",
]
