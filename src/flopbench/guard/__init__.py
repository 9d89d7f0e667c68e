"""A guard for tests: the FLOPs of a module, held against a lock file. A plugin of pytest.

The plugin is `flopbench.guard.plugin`. Nothing heavy loads before a test counts.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flopbench.guard.guard import Guard

__all__ = ["Guard"]


def __getattr__(name: str) -> Any:
    """Load a public name on first use.

    Raises:
        AttributeError: there is no such name.
    """
    if name in __all__:
        return getattr(import_module("flopbench.guard.guard"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
