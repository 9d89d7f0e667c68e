"""Where work runs: in this process, in processes of this machine, or on a Dask cluster.

A function runs with its arguments and returns a value; all three must be picklable, and the
function must belong to a module. It keeps what it needs between calls, such as a plan, in a cache
of its process.
"""

from flopbench.executors.address import LOCAL, check_scheduler
from flopbench.executors.choice import HERE, Where, executor_of
from flopbench.executors.executor import Executor, SchedulerLostError, Task, WorkerLostError

__all__ = [
    "HERE",
    "LOCAL",
    "Executor",
    "SchedulerLostError",
    "Task",
    "Where",
    "WorkerLostError",
    "check_scheduler",
    "executor_of",
]
