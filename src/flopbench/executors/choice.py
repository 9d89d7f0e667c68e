"""Which executor a command gets."""

from __future__ import annotations

from attrs import frozen

from flopbench.executors.address import LOCAL, check_scheduler
from flopbench.executors.executor import Executor
from flopbench.executors.inline import InlineExecutor
from flopbench.executors.processes import ProcessExecutor


@frozen
class Where:
    """Where a command's work runs, as a user says it: the arguments of `executor_of`."""

    scheduler: str = LOCAL
    jobs: int = 1

    @property
    def is_here(self) -> bool:
        """Whether all runs on this machine."""
        return self.scheduler == LOCAL

    def executor(self, tasks: int) -> Executor:
        """Return an executor for some tasks: a single one needs no other process."""
        return executor_of(self.scheduler, min(self.jobs, tasks) if self.is_here else self.jobs)


HERE = Where()
"""This process."""


def executor_of(scheduler: str = LOCAL, jobs: int = 1) -> Executor:
    """Return where a command's work runs.

    Args:
        scheduler: `LOCAL`, or the address of a Dask scheduler, such as ``tcp://host:8786``.
        jobs: processes of this machine; with 1, this one does the work.

    Raises:
        UsageError: as of `check_scheduler`, or the scheduler does not answer, has no workers, or
            their versions are others.
    """
    check_scheduler(scheduler, jobs)
    if scheduler != LOCAL:
        from flopbench.executors.cluster import ClusterExecutor
        from flopbench.executors.connection import Connection

        return ClusterExecutor(Connection(scheduler))
    return InlineExecutor() if jobs == 1 else ProcessExecutor(jobs)
