"""Peers that replace functions of torch while they count: calflops and DeepSpeed."""

from __future__ import annotations

import importlib
import sys
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from attrs import frozen

from flopbench import Convention, VendorCall
from flopbench_peer_counters.peer import (
    MATRIX,
    Ops,
    Peer,
    Seen,
    as_module,
    audit,
    root_name,
    token,
    whole,
)

# pytorch_ops.py and profiler.py have the same rules: conv with its bias, linear without. An
# activation and a softmax are 1 per element, a layer norm with weights is 5.
_FUNCTIONAL = Convention(
    "FLOP",
    MATRIX,
    {"conv2d bias": 1, "softmax": 1, "silu": 1, "gelu": 1, "layer_norm": 5},
)


def running(*files: str | None) -> Seen:
    """Return a test: whether the op running now was called by a wrapper in one of these files."""

    def seen(_path: str, _op: Any) -> bool:
        frame: Any = sys._getframe(1)  # noqa: SLF001 - the only way to find the caller
        while frame is not None:
            if frame.f_code.co_filename in files and frame.f_code.co_name in _WRAPPERS:
                return True
            frame = frame.f_back
        return False

    return seen


_WRAPPERS = frozenset({"newFunc", "__call__"})
"""Names that the peers give to a function that replaces one of torch's."""


@frozen
class _Profiler:
    """How to run a peer's profiler.

    Attributes:
        wrappers: the file of the functions that replace torch's.
        lists: what these append to: a stack of lists for FLOPs and one for MACs, with a list for
            each running module.
    """

    start: Callable[[], object]
    end: Callable[[], object]
    wrappers: str | None
    lists: tuple[list[Any], ...]


class _Functional(Peer):
    """A profiler that replaces functions and keeps ``__flops__`` in each module."""

    convention = _FUNCTIONAL

    @abstractmethod
    def profiler(self, module: Any) -> _Profiler:
        """Set up the peer's profiler of a module."""

    def measure(self, call: VendorCall, missed: Ops) -> Mapping[tuple[str, str], int]:
        module = as_module(call)
        profiler = self.profiler(module)
        aside = partial(_thrown_away, profiler.lists)
        with audit(call.root, missed, running(profiler.wrappers), aside):
            try:
                profiler.start()
                module(token())
                modules = list(module.named_modules())
                return whole(((root_name(n), type(m).__name__), m.__flops__) for n, m in modules)
            finally:
                profiler.end()


class Calflops(_Functional):
    """calflops' pipeline, which replaces functions of torch during each module's forward."""

    name = "calflops"
    library = "calflops"
    module = "calflops.calculate_pipline"
    summary = "calflops: FLOPs of replaced torch functions"

    def profiler(self, module: Any) -> _Profiler:
        library = importlib.import_module(self.module)
        pipeline = library.CalFlopsPipline(
            module, include_backPropagation=False, compute_bp_factor=2.0
        )
        return _Profiler(
            pipeline.start_flops_calculate,
            pipeline.end_flops_calculate,
            importlib.import_module("calflops.pytorch_ops").__file__,
            (library.module_flop_count, library.module_mac_count),
        )


class Deepspeed(_Functional):
    """DeepSpeed's FlopsProfiler, which replaces functions of torch during each module's forward."""

    name = "deepspeed"
    library = "deepspeed"
    module = "deepspeed.profiling.flops_profiler.profiler"
    summary = "DeepSpeed's flops profiler: FLOPs of replaced torch functions"

    def profiler(self, module: Any) -> _Profiler:
        library = importlib.import_module(self.module)
        profiler = library.FlopsProfiler(module)
        return _Profiler(
            profiler.start_profile,
            profiler.end_profile,
            library.__file__,
            (library.module_flop_count, library.module_mac_count),
        )


@contextmanager
def _thrown_away(lists: tuple[list[Any], ...]) -> Iterator[None]:
    """Discard what is counted meanwhile, into a list that nobody reads."""
    for entries in lists:
        entries.append([])
    try:
        yield
    finally:
        for entries in lists:
            entries.pop()
