"""What runs on a worker of a Dask cluster."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from flopbench.errors import PluginError, UsageError
from flopbench.executors.versions import differences, other_versions, versions_here

T = TypeVar("T")

_ONE = threading.Lock()
"""A worker may have several threads; a count has its process for itself."""


def run_on_worker(
    versions: Mapping[str, str], folder: str, function: Callable[..., T], arguments: tuple[Any, ...]
) -> T:
    """Run a task as it would run in the client's process.

    Args:
        versions: of the client; those of this process must be equal.
        folder: the client's working directory, which paths are relative to.

    Raises:
        UsageError: the versions differ, or a file is not there.
        Exception: what the function raises.
    """
    from distributed import get_worker

    address = get_worker().address
    with _ONE:
        if differing := list(differences(versions, versions_here().get)):
            raise UsageError(other_versions(address, differing))
        with _in_folder(folder):
            try:
                return function(*arguments)
            except (UsageError, PluginError) as error:
                raise type(error)(f"worker {address}: {error}{_hint(error)}") from error


def _hint(error: BaseException) -> str:
    """Return what to say of a file that this machine lacks."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__
    return " (a worker reads what a command names at the same paths)" if cause else ""


@contextmanager
def _in_folder(folder: str) -> Iterator[None]:
    """Work in a folder, if it is there."""
    before = Path.cwd()
    if Path(folder).is_dir():
        os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
