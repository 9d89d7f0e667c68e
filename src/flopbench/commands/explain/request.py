"""What may be asked of an explanation, checked before any work."""

from __future__ import annotations

from flopbench.errors import UsageError, unknown
from flopbench.inputs.options import Names, some

WORKS = ("tensor", "vector", "all")


def check(depth: int | None, work: str, attention: Names) -> None:
    """Check the options of ``flopbench explain``.

    Raises:
        UsageError: one of them is wrong.
    """
    if depth is not None and not (isinstance(depth, int) and depth >= 0):
        raise UsageError(f"--depth must be at least 0, got {depth}")
    if work not in WORKS:
        raise UsageError(unknown("--work", str(work), WORKS))
    if attention is not None and len(modes := some("--attention", attention)) != 1:
        given = attention if isinstance(attention, str) else ",".join(map(str, modes))
        raise UsageError(f"--attention takes one mode here, got {given}")
