"""Run tasks in this process, one after the other, each when the next one is asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from attrs import define, field

from flopbench.executors.executor import Executor, T, Task


@define(eq=False)
class InlineTask(Task[T]):
    """A call that runs when its result is asked for."""

    _call: Callable[[], T]

    def result(self) -> T:
        return self._call()


@define(eq=False)
class InlineExecutor(Executor):
    """Runs each task in this process, when its result is asked for."""

    _left: deque[Task[Any]] = field(init=False, factory=deque)

    def submit(self, function: Callable[..., T], *arguments: Any) -> Task[T]:
        task = InlineTask(lambda: function(*arguments))
        self._left.append(task)
        return task

    def as_completed(self) -> Iterator[Task[Any]]:
        while self._left:
            yield self._left.popleft()

    def cancel(self) -> None:
        self._left.clear()
