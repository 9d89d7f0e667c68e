"""A client of Dask, or one sentence about why there is none."""

from __future__ import annotations

import warnings
from concurrent.futures import Future
from threading import Thread
from typing import Any

from flopbench.errors import UsageError, describe
from flopbench.executors.address import ANSWER_S, no_answer


def client_of(address: str) -> Any:
    """Return a client.

    It is made in a thread that may be left behind: what accepts a connection and then says nothing,
    Dask waits for without an end.

    Raises:
        UsageError: nothing answers, or no scheduler.
    """
    import distributed

    made: Future[Any] = Future()

    def make() -> None:
        client: Any = distributed.Client
        try:
            made.set_result(client(address, timeout=ANSWER_S, set_as_default=False))
        except Exception as error:  # noqa: BLE001 - it is raised below
            made.set_exception(error)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Dask's about versions, which are compared here
        Thread(target=make, daemon=True).start()
        try:
            return made.result(ANSWER_S + 1)
        except (OSError, TimeoutError) as error:
            raise UsageError(no_answer(address)) from error
        except Exception as error:
            raise UsageError(f"--scheduler {address}: {describe(error)}") from error
