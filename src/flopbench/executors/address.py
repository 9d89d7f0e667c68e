"""The address of a Dask scheduler, as a user gives it."""

from __future__ import annotations

import re
import socket

from flopbench.errors import UsageError

LOCAL = "local"
"""The scheduler that is none: processes of this machine."""

_ADDRESS = re.compile(r"(?:tcp|tls)://(?P<host>[^\s:/]+|\[[0-9a-fA-F:.]+\]):(?P<port>[0-9]{1,5})")

ANSWER_S = 5.0
"""Seconds that a scheduler has to answer."""


def check_scheduler(scheduler: str, jobs: int = 1) -> None:
    """Check what a user gave, before any work.

    Raises:
        UsageError: ``scheduler`` is neither `LOCAL` nor an address, nothing answers there, or
            ``jobs`` has no meaning.
    """
    if scheduler == LOCAL:
        return
    address = _ADDRESS.fullmatch(scheduler)
    if not address:
        raise UsageError(
            f"--scheduler must be {LOCAL}, or an address such as tcp://host:8786, got {scheduler!r}"
        )
    if jobs != 1:
        raise UsageError(
            f"--jobs {jobs} is for processes of this machine, and a cluster has as many as it has "
            "workers: leave out --jobs or --scheduler"
        )
    try:
        socket.create_connection(
            (address["host"].strip("[]"), int(address["port"])), ANSWER_S
        ).close()
    except (OSError, OverflowError) as error:
        raise UsageError(no_answer(scheduler)) from error


def no_answer(scheduler: str) -> str:
    """Return the sentence about an address where no scheduler is."""
    return (
        f"no Dask scheduler answers at {scheduler}: `dask scheduler` starts one, and says its "
        "address"
    )
