"""Run tasks in processes of this machine, which end when this one does."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from queue import SimpleQueue
from typing import Any

from attrs import define, field

from flopbench.boundary import quiet
from flopbench.executors.executor import Executor, T, Task, WorkerLostError


@define(eq=False)
class ProcessTask(Task[T]):
    """A call in another process."""

    call: tuple[Callable[..., T], tuple[Any, ...]]
    future: Future[T] = field(factory=Future)

    def result(self) -> T:
        try:
            return self.future.result()
        except BrokenProcessPool as error:
            raise WorkerLostError from error

    @property
    def is_whole(self) -> bool:
        """Whether it was done by a process that still lived."""
        return self.future.done() and not isinstance(self.future.exception(), BrokenProcessPool)


@define(eq=False)
class ProcessExecutor(Executor):
    """Runs tasks in a pool of processes.

    If one of them ends, nobody knows which task ended it: what is left runs one by one, until the
    one is found that does so on its own. The others then run side by side again.
    """

    _jobs: int
    _pool: ProcessPoolExecutor = field(init=False)
    _new: deque[ProcessTask[Any]] = field(init=False, factory=deque)
    _left: dict[ProcessTask[Any], None] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self._pool = _new_pool(self._jobs)

    def submit(self, function: Callable[..., T], *arguments: Any) -> Task[T]:
        task = ProcessTask((function, arguments))
        self._new.append(task)
        self._left[task] = None
        return task

    def as_completed(self) -> Iterator[Task[Any]]:
        while self._left:
            yield from self._side_by_side()
            if self._left:
                yield from self._one_by_one()

    def _side_by_side(self) -> Iterator[Task[Any]]:
        """Yield tasks until none is left, or the pool breaks."""
        done: SimpleQueue[Future[Any]] = SimpleQueue()
        tasks: dict[Future[Any], ProcessTask[Any]] = {}
        while self._left:
            while self._new:
                task = self._new[0]
                if not self._start(task):
                    return
                tasks[task.future] = task
                task.future.add_done_callback(done.put)
                self._new.popleft()
            if not (task := tasks.pop(done.get())).is_whole:
                return
            yield self._without(task)

    def _one_by_one(self) -> Iterator[Task[Any]]:
        """Yield tasks until none is left, or one ended its process."""
        self._restart(1)
        for task in [task for task in self._left if task.is_whole]:
            yield self._without(task)
        for task in list(self._left):
            self._start(task)
            wait([task.future])
            yield self._without(task)
            if not task.is_whole:
                break
        self._restart(self._jobs)
        self._new = deque(self._left)

    def _start(self, task: ProcessTask[Any]) -> bool:
        """Submit a task to the pool; return whether the pool still lives."""
        function, arguments = task.call
        try:
            task.future = self._pool.submit(function, *arguments)
        except BrokenProcessPool:
            return False
        return True

    def _without(self, task: ProcessTask[Any]) -> Task[Any]:
        del self._left[task]
        return task

    def _restart(self, jobs: int) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._pool = _new_pool(jobs)

    def cancel(self) -> None:
        self._new.clear()
        self._left.clear()
        self._pool.shutdown(cancel_futures=True)


def _new_pool(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, get_context("spawn"), _start_worker, (os.getpid(),))


def _start_worker(parent: int) -> None:
    """Prepare another process, which ends when its parent does."""
    quiet()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
