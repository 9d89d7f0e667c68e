"""Whether a worker has the versions of this process: else it might count something else."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from typing import Any

from flopbench.errors import UsageError

ENTRY_POINTS = "flopbench"
"""The group of entry points that distributions with plugins have."""

PYTHON = "Python"


def versions_here() -> dict[str, str]:
    """Return the versions of all that a count depends on, and that is installed here."""
    plugins = {
        entry.dist.metadata["Name"]
        for entry in metadata.entry_points(group=ENTRY_POINTS)
        if entry.dist
    }
    found = {PYTHON: platform.python_version()}
    for name in ("flopbench", "torch", "transformers", *sorted(plugins)):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def differences(
    here: Mapping[str, str], version_there: Callable[[str], str | None]
) -> Iterator[str]:
    """Describe what differs on a worker.

    A label after ``+`` tells builds of one version apart, such as those for CPUs and GPUs, which
    count the same; and so do the patches of a minor version of Python.

    Args:
        here: `versions_here` of the client.
        version_there: the version of a package on the worker; None if it is not installed.
    """
    for name, version in here.items():
        there = version_there(name)
        if there is None:
            yield f"{name} is not installed, here it is {version}"
        elif _compared(name, there) != _compared(name, version):
            yield f"{name} is {there}, here it is {version}"


def _compared(name: str, version: str) -> str:
    return version.rpartition(".")[0] if name == PYTHON else version.partition("+")[0]


def other_versions(address: str, differing: list[str]) -> str:
    """Return the sentence about a worker whose versions differ."""
    return f"worker {address}: {'; '.join(differing)}: install the same versions"


def require_versions(run: Callable[..., Mapping[str, Any]], here: Mapping[str, str]) -> None:
    """Require that each worker has the versions of this process, by functions that any Python has.

    A worker that comes later compares them itself, before it runs a task.

    Args:
        run: runs a function on all workers, as `distributed.Client.run` does.
        here: `versions_here` of this process.

    Raises:
        UsageError: they differ.
    """
    found: dict[str, dict[str, str | None]] = {}
    for name in here:
        asked = (platform.python_version,) if name == PYTHON else (metadata.version, name)
        for address, version in run(*asked, on_error="return").items():
            if isinstance(version, str | metadata.PackageNotFoundError):  # else it has ended
                found.setdefault(address, {})[name] = version if type(version) is str else None
    for address, there in found.items():
        known = {name: here[name] for name in there}
        if differing := list(differences(known, there.get)):
            raise UsageError(other_versions(address, differing))
