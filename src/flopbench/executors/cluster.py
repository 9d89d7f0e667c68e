"""Run tasks on the workers of a Dask cluster."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any

from attrs import define, field

from flopbench.executors.connection import Connection
from flopbench.executors.executor import Executor, SchedulerLostError, T, Task, WorkerLostError
from flopbench.executors.on_worker import run_on_worker

_LOOK_S = 1.0
"""Seconds between two looks at which workers there are."""

_PER_WORKER = 2
"""Tasks that a worker is given at most: it has the next one when it is done with one."""


@define(eq=False)
class ClusterTask(Task[T]):
    """A call on a worker.

    Attributes:
        alone: whether it runs while no other does, since workers that ran it ended.
    """

    call: tuple[Callable[..., T], tuple[Any, ...]]
    alone: bool = False
    outcome: Callable[[], T] | None = None

    def result(self) -> T:
        if self.outcome is None:
            raise WorkerLostError
        return self.outcome()


@define(eq=False)
class ClusterExecutor(Executor):
    """Runs tasks on the workers that a Dask scheduler has.

    Dask gives a task of a worker that ended to another. If several ended, nobody knows which of
    their tasks ended them: each of those then runs on its own, and is lost if workers end again.
    """

    _connection: Connection
    _new: deque[ClusterTask[Any]] = field(init=False, factory=deque)
    _alone: deque[ClusterTask[Any]] = field(init=False, factory=deque)
    _running: dict[Any, ClusterTask[Any]] = field(init=False, factory=dict)
    _done: SimpleQueue[Any] = field(init=False, factory=SimpleQueue)
    _looked: float = field(init=False, default=0.0)

    def submit(self, function: Callable[..., T], *arguments: Any) -> Task[T]:
        task = ClusterTask((function, arguments))
        self._new.append(task)
        return task

    def as_completed(self) -> Iterator[Task[Any]]:
        while self._new or self._alone or self._running:
            self._fill()
            try:
                future = self._done.get(timeout=_LOOK_S)
            except Empty:
                continue
            if task := self._running.pop(future, None):
                if self._is_lost(future, task):
                    self._alone.append(task)
                else:
                    yield task

    def _fill(self) -> None:
        """Give workers something to do."""
        if time.monotonic() >= self._looked + _LOOK_S:
            self._connection.look()
            self._looked = time.monotonic()
        if any(task.alone for task in self._running.values()):
            return
        most = _PER_WORKER * self._connection.workers
        while self._new and len(self._running) < most:
            self._start(self._new.popleft())
        if self._alone and not self._running:
            self._start(self._alone.popleft())

    def _start(self, task: ClusterTask[Any]) -> None:
        versions, folder = self._connection.versions, str(Path.cwd())
        future = self._connection.submit(run_on_worker, versions, folder, *task.call)
        self._running[future] = task
        future.add_done_callback(self._done.put)

    def _is_lost(self, future: Any, task: ClusterTask[Any]) -> bool:
        """Note what a task gave; return whether it has to run again, alone.

        Raises:
            SchedulerLostError: the scheduler is gone.
        """
        from distributed import KilledWorker

        try:
            value = self._connection.result(future)
        except KilledWorker:
            again, task.alone = not task.alone, True
            return again
        except SchedulerLostError:
            raise
        except Exception as error:  # noqa: BLE001 - it is the function's, raised where it is asked for
            task.outcome = lambda error=error: _raise(error)
        else:
            task.outcome = lambda: value
        return False

    def cancel(self) -> None:
        self._new.clear()
        self._alone.clear()
        self._connection.cancel(list(self._running))
        self._running.clear()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cancel()
        self._connection.close()


def _raise(error: Exception) -> Any:
    raise error
