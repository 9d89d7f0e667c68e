"""No log of Dask reaches the user: what goes wrong, flopbench says in a sentence."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from flopbench.errors import UsageError

_LIBRARIES = ("asyncio", "distributed", "tornado")


@contextmanager
def silenced(address: str) -> Iterator[None]:
    """Disable the loggers of Dask and of what it is made of; enable them again at the end.

    Raises:
        UsageError: Dask is not installed, which a scheduler at an address needs.
    """
    try:
        import distributed  # noqa: F401 - it sets up its loggers
    except ImportError as error:
        raise UsageError(
            f"--scheduler {address} needs distributed: pip install 'flopbench[dask]'"
        ) from error
    names = [
        name for name in logging.root.manager.loggerDict if name.partition(".")[0] in _LIBRARIES
    ]
    found = [logger for logger in map(logging.getLogger, names) if not logger.disabled]
    for logger in found:
        logger.disabled = True
    try:
        yield
    finally:
        for logger in found:
            logger.disabled = False
