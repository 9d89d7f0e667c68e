"""Results as values: each shows itself in a terminal and a notebook, and saves itself."""

from flopbench.values.node import Node
from flopbench.values.value import Value

__all__ = [
    "Node",
    "Value",
]
