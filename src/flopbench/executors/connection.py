"""The connection to a Dask scheduler: what goes wrong with it is one sentence."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from flopbench.errors import UsageError, describe
from flopbench.executors.client import client_of
from flopbench.executors.executor import SchedulerLostError
from flopbench.executors.quiet_dask import silenced
from flopbench.executors.versions import require_versions, versions_here

WORKERS_S = 10.0
"""Seconds to wait for workers, at first."""

_BRIEFLY_S = 1.0

WORKERS_AGAIN_S = 30.0
"""Seconds to wait for workers that ended; Dask starts them again."""

LOG = logging.getLogger("flopbench")


class Connection:
    """A client of a Dask scheduler.

    Attributes:
        versions: those of this process, which workers must have.
        workers: how many there are.
        close: closes it.
    """

    close: Callable[[], None]

    def __init__(self, address: str) -> None:
        """Connect, wait for workers, and compare their versions with those here.

        Raises:
            UsageError: ``distributed`` is not installed, nothing answers, or the versions of a
                worker differ.
            SchedulerLostError: there are no workers.
        """
        self._address = address
        self.versions, self.workers = versions_here(), 0
        with ExitStack() as stack:
            stack.enter_context(silenced(address))
            self._client = client_of(address)
            stack.callback(self._close_client)
            self._seen_s = time.monotonic()
            self._patience_s = WORKERS_S
            self._is_missed = self._said_idle = False
            while not self.workers:
                self.look()
                time.sleep(0 if self.workers else 0.2)
            self._patience_s = WORKERS_AGAIN_S
            with self._asking():
                require_versions(self._client.run, self.versions)
            self.close = stack.pop_all().close

    def look(self) -> None:
        """Look how many workers there are; say once that there are none.

        Raises:
            SchedulerLostError: there have been none for long, or the scheduler is gone.
        """
        with self._asking():
            threads = self._client.nthreads()
        self.workers, now = len(threads), time.monotonic()
        if self.workers:
            self._say_idle(threads)
            self._seen_s, self._is_missed = now, False
            return
        start = f"`dask worker {self._address}` starts one"
        if now > self._seen_s + self._patience_s:
            raise SchedulerLostError(f"no worker is connected to {self._address}: {start}")
        if not self._is_missed and now > self._seen_s + _BRIEFLY_S:
            self._is_missed = True
            LOG.warning(
                "no worker is connected to %s: waiting %.0f s for one (%s)",
                *(self._address, self._patience_s, start),
            )

    def _say_idle(self, threads: Mapping[str, int]) -> None:
        """Say once that a worker has threads that do nothing."""
        address, most = max(threads.items(), key=lambda item: item[1])
        if most > 1 and not self._said_idle:
            self._said_idle = True
            LOG.warning(
                "worker %s has %d threads and uses one: `dask worker %s --nworkers -1 "
                "--nthreads 1` starts a worker per CPU",
                *(address, most, self._address),
            )

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Submit a call; return its future."""
        with self._asking():
            return self._client.submit(function, *arguments, pure=False)

    def result(self, future: Any) -> Any:
        """Return the result of a future that is done, and let the scheduler forget it.

        Raises:
            SchedulerLostError: the scheduler is gone.
            UsageError: a worker lacks a module.
            Exception: what the function raised, or Dask in its place.
        """
        try:
            return future.result()
        except CancelledError as error:
            raise self._lost() from error
        except ImportError as error:
            raise UsageError(
                f"a worker of {self._address} cannot load what it is to run ({describe(error)}): "
                "install the same versions"
            ) from error
        finally:
            future.release()

    def cancel(self, futures: list[Any]) -> None:
        """Take back what is not done, if the scheduler is there."""
        with suppress(Exception):
            self._client.cancel(futures)

    def _close_client(self) -> None:
        with suppress(Exception):
            self._client.close(timeout=1)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        if self._client.status != "running":
            raise self._lost()
        try:
            yield
        except (OSError, TimeoutError) as error:
            raise self._lost() from error

    def _lost(self) -> SchedulerLostError:
        return SchedulerLostError(f"the Dask scheduler at {self._address} answers no more")
