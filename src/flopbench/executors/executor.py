"""What an executor is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from flopbench.errors import FlopbenchError

T = TypeVar("T")


class WorkerLostError(FlopbenchError):
    """The process that ran a task ended before it returned, each time that the task was tried."""

    def __init__(self) -> None:
        super().__init__("the process that ran it ended, perhaps out of memory")


class SchedulerLostError(FlopbenchError):
    """A Dask scheduler that answered at first does so no more, or has no workers left."""


class Task(ABC, Generic[T]):
    """A call that was submitted; `Executor.as_completed` yields it when it is done."""

    @abstractmethod
    def result(self) -> T:
        """Return what the function returned.

        Raises:
            WorkerLostError: the process that ran it ended.
            Exception: what the function raised.
        """


class Executor(ABC):
    """Runs functions, at most some at a time. Use it as a context manager."""

    @abstractmethod
    def submit(self, function: Callable[..., T], *arguments: Any) -> Task[T]:
        """Run a function with these arguments, soon."""

    @abstractmethod
    def as_completed(self) -> Iterator[Task[Any]]:
        """Yield each submitted task when it is done, in any order, and each once.

        More may be submitted meanwhile. It ends when all are done.
        """

    @abstractmethod
    def cancel(self) -> None:
        """Give up what is not done; it is called at the end, after an exception too."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cancel()
