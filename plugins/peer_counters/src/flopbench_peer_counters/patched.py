"""Peers that replace functions of torch while they count: calflops, DeepSpeed."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from flopbench.vendor import Convention, VendorCall
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

# pytorch_ops.py and profiler.py have the same rules: conv with its bias, linear without; an
# activation and a softmax are 1 per element, a layer norm with weights 5.
_FUNCTIONAL = Convention(
    "FLOP",
    MATRIX,
    {"conv2d bias": 1, "softmax": 1, "silu": 1, "gelu": 1, "layer_norm": 5},
)


def running(*files: str | None) -> Seen:
    """Tell whether the op that runs now was called by a wrapper in one of these files."""

    def seen(_path: str, _op: Any) -> bool:
        frame: Any = sys._getframe(1)  # noqa: SLF001 - the only way to ask who calls
        while frame is not None:
            if frame.f_code.co_filename in files and frame.f_code.co_name in _WRAPPERS:
                return True
            frame = frame.f_back
        return False

    return seen


_WRAPPERS = frozenset({"newFunc", "__call__"})
"""What the peers call the function that stands in for one of torch's."""


class Calflops(Peer):
    """calflops' pipeline: functions of torch, replaced, in each module's forward."""

    name = "calflops"
    library = "calflops"
    module = "calflops.calculate_pipline"
    summary = "calflops: FLOPs of replaced torch functions"
    convention = _FUNCTIONAL

    def measure(self, call: VendorCall, missed: Ops) -> Mapping[tuple[str, str], int]:
        pipeline = importlib.import_module(self.module)
        wrappers = importlib.import_module("calflops.pytorch_ops").__file__
        module = as_module(call)
        profiler = pipeline.CalFlopsPipline(
            module, include_backPropagation=False, compute_bp_factor=2.0
        )
        lists = (pipeline.module_flop_count, pipeline.module_mac_count)
        aside = partial(_thrown_away, lists)
        with audit(call.root, missed, running(wrappers), aside):
            try:
                profiler.start_flops_calculate()
                module(token())
                return _by_module(module)
            finally:
                profiler.end_flops_calculate()


class Deepspeed(Peer):
    """DeepSpeed's FlopsProfiler: functions of torch, replaced, in each module's forward."""

    name = "deepspeed"
    library = "deepspeed"
    module = "deepspeed.profiling.flops_profiler.profiler"
    summary = "DeepSpeed's flops profiler: FLOPs of replaced torch functions"
    convention = _FUNCTIONAL

    def measure(self, call: VendorCall, missed: Ops) -> Mapping[tuple[str, str], int]:
        profiling = importlib.import_module(self.module)
        module = as_module(call)
        profiler = profiling.FlopsProfiler(module)
        lists = (profiling.module_flop_count, profiling.module_mac_count)
        seen, aside = running(profiling.__file__), partial(_thrown_away, lists)
        with audit(call.root, missed, seen, aside):
            try:
                profiler.start_profile()
                module(token())
                return _by_module(module)
            finally:
                profiler.end_profile()


@contextmanager
def _thrown_away(lists: tuple[list[Any], ...]) -> Iterator[None]:
    """Let what is counted meanwhile fall into a list that nobody reads."""
    for entries in lists:
        entries.append([])
    try:
        yield
    finally:
        for entries in lists:
            entries.pop()


def _by_module(module: Any) -> Mapping[tuple[str, str], int]:
    modules = module.named_modules()
    return whole(((root_name(n), type(m).__name__), m.__flops__) for n, m in modules)
