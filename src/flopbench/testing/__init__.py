"""Conformance suites and hypothesis strategies for the tests of plugins (needs the extra testing).

An author's whole test is a subclass that says what it is about::

    from flopbench.testing import ModelConformance

    class TestMine(ModelConformance):
        model = "mine"
"""

from flopbench.testing.attention import AttentionConformance
from flopbench.testing.counters import CounterConformance
from flopbench.testing.models import ModelConformance
from flopbench.testing.reporters import ReporterConformance

__all__ = [
    "AttentionConformance",
    "CounterConformance",
    "ModelConformance",
    "ReporterConformance",
]
