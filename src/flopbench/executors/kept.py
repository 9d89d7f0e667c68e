"""What a process keeps between the tasks of one run of a command: making it may take long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic

from flopbench.executors.executor import T


class Kept(Generic[T]):
    """Values by run; a process that outlives runs keeps that of the last one."""

    def __init__(self) -> None:
        self._values: dict[str, T] = {}

    def put(self, run: str, value: T) -> None:
        """Keep what this process has already."""
        self._values[run] = value

    def drop(self, run: str) -> None:
        """Forget it."""
        del self._values[run]

    def get(self, run: str, make: Callable[[], T]) -> T:
        """Return the value of a run; what is kept of another one is dropped for it."""
        if run not in self._values:
            self._values.clear()
            self._values[run] = make()
        return self._values[run]
