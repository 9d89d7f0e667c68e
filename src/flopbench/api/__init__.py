"""The commands as functions: each takes what its command takes, and returns a value.

A keyword per section of the configuration, and one per option. Values may be Python's own: numbers,
lists, mappings and paths. What is wrong raises the sentence that the command line prints.
"""

from flopbench.api.comparing import compare
from flopbench.api.exporting import export
from flopbench.api.forms import explain, prove
from flopbench.api.refereeing import referee
from flopbench.api.running import run
from flopbench.api.surveying import survey
from flopbench.api.sweeping import sweep

__all__ = [
    "compare",
    "explain",
    "export",
    "prove",
    "referee",
    "run",
    "survey",
    "sweep",
]
