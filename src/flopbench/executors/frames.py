"""Room for the frames of Python's calls.

CPython keeps frames in chunks of 16 kB. A call that does not fit maps another chunk, and its
return unmaps it. Where a loop over ops happens to stand at the end of a chunk, each of its calls
does so: a quarter of the time of a proof. A chunk is larger if its first frame needs more.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_SLOTS = 2**16
"""Values of 8 bytes that a frame claims and does not use: half of a chunk of 1 MiB."""


def roomy(function: Callable[P, T]) -> Callable[P, T]:
    """Return a function that does the same, with half a MiB for the frames of its calls.

    What no frame uses of that is claimed, but never touched.
    """

    def call(*arguments: P.args, **options: P.kwargs) -> T:
        return function(*arguments, **options)

    call.__code__ = call.__code__.replace(co_stacksize=_SLOTS)
    return wraps(function)(call)
