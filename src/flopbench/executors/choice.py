"""Which executor a command gets."""

from __future__ import annotations

from flopbench.errors import UsageError
from flopbench.executors.executor import Executor
from flopbench.executors.inline import InlineExecutor
from flopbench.executors.processes import ProcessExecutor

LOCAL = "local"
"""The scheduler that is none: processes of this machine."""


def executor_of(scheduler: str = LOCAL, jobs: int = 1) -> Executor:
    """Return where a command's work runs.

    Args:
        scheduler: `LOCAL`, or the address of a Dask scheduler, such as ``tcp://host:8786``.
        jobs: processes of this machine; with 1, this one does the work.

    Raises:
        UsageError: the scheduler is neither.
    """
    if scheduler != LOCAL:
        raise UsageError(
            f"--scheduler must be {LOCAL}, or an address such as tcp://host:8786, got {scheduler!r}"
        )
    return InlineExecutor() if jobs == 1 else ProcessExecutor(jobs)
