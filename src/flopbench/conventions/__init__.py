"""FLOPs per element of all but matrix work: one table, each entry with its derivation.

Matrix work needs no convention: a multiply-accumulate (MAC) is 2 FLOPs, always. For the
rest, one arithmetic operation, comparison or transcendental function (exp, erf, sin,
rsqrt …) on one element is 1 FLOP, and each entry below adds up those in the textbook
formula. Every entry can be overridden from the configuration (``conventions.softmax=3``),
and every report prints the table it used.
"""

from flopbench.conventions.entries import Entries
from flopbench.conventions.forward import ENTRIES, MAC_FLOPS, NESTED, Conventions
from flopbench.conventions.training import BackwardConventions, OptimizerConventions

__all__ = [
    "ENTRIES",
    "MAC_FLOPS",
    "NESTED",
    "BackwardConventions",
    "Conventions",
    "Entries",
    "OptimizerConventions",
]
