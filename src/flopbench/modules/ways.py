"""How torch runs what is counted: as written, on meta, without a word."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any, cast
from unittest.mock import patch

import torch
from torch._guards import detect_fake_mode
from torch.utils._python_dispatch import _disable_current_modes

from flopbench.errors import UsageError
from flopbench.modules.copies import META

_LOGS = ("torch._subclasses.fake_tensor", "torch.fx.experimental.symbolic_shapes")


@contextmanager
def quiet_torch() -> Iterator[None]:
    """Let torch raise what fails, and not log it with a traceback, too."""
    logs = [logging.getLogger(name) for name in _LOGS]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)


@contextmanager
def lazy_on_meta() -> Iterator[None]:
    """Let parameters of lazy modules get their shapes on meta."""
    lazy: Any = getattr(torch.nn.parameter, "UninitializedTensorMixin")  # noqa: B009 - not in its types

    def materialize(self: Any, shape: Any, device: Any = None, dtype: Any = None) -> None:
        with _disable_current_modes():
            self.data = torch.empty(shape, device=META, dtype=dtype or self.data.dtype)
            self.__class__ = self.cls_to_become

    with patch.object(lazy, "materialize", materialize):
        yield


_ONE = threading.RLock()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let one count run at a time: another thread waits, one within another is refused.

    Raises:
        UsageError: a count runs already, in this thread, or the caller uses fake tensors.
    """
    with _ONE:
        if _running:
            raise UsageError(
                "a count runs already: count one call at a time, not one within another"
            )
        if detect_fake_mode() is not None:
            raise UsageError("a count makes its own fake tensors: leave FakeTensorMode before it")
        _running.append(True)
        try:
            yield
        finally:
            _running.pop()


_running: list[bool] = []

_AUTOCAST = "autocast was left out: it changes dtypes, and so bytes, and no FLOPs"


@contextmanager
def without_moves() -> Iterator[set[str]]:
    """Let modules stay on meta, and autocast leave dtypes alone; yield what a call asked for.

    Neither changes what is computed, in number: a module's weights would only lose their ties to
    each other and to optimizers, and ``autocast`` does not know ``meta``.
    """
    asked: set[str] = set()

    def stay(module: Any, _function: Any, *_: Any, **_options: Any) -> Any:
        asked.add("moves of modules (.to, .half …) were left out")
        return module

    def enter(autocast: Any) -> Any:
        asked.add(_AUTOCAST)
        return autocast

    with ExitStack() as stack:
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                asked.add(_AUTOCAST)
                stack.enter_context(torch.autocast(device, enabled=False))
        stack.enter_context(patch.object(torch.nn.Module, "_apply", stay))
        for name, stand_in in (
            ("__init__", lambda *_, **__: None),
            ("__enter__", enter),
            ("__exit__", lambda *_: None),
        ):
            stack.enter_context(patch.object(torch.autocast, name, stand_in))
        yield asked


@contextmanager
def noticing_threads(notice: Callable[[], None]) -> Iterator[None]:
    """Notice each thread that the call starts: what runs there is not seen."""
    start, here = threading.Thread.start, threading.get_ident()

    def started(thread: threading.Thread) -> None:
        if threading.get_ident() == here:
            notice()
        start(thread)

    with patch.object(threading.Thread, "start", started):
        yield


@contextmanager
def any_mask() -> Iterator[None]:
    """Let ``nn.Transformer`` not ask the values of a mask whether it is causal."""
    from torch.nn.modules import transformer

    def told(_mask: Any, is_causal: bool | None = None, _size: Any = None) -> bool:
        return bool(is_causal)

    with patch.object(transformer, "_detect_is_causal_mask", told):
        yield


@contextmanager
def any_grouped_product() -> Iterator[None]:
    """Let grouped products have the dtypes and sizes that a CPU takes, not only those of a GPU."""
    from torch import _meta_registrations as registered

    real = getattr(registered, "_meta_grouped_mm_common", None)
    shaped: Any = getattr(registered, "_create_grouped_mm_output_tensor", None)

    def product(mat_a: Any, mat_b: Any, **options: Any) -> Any:
        if real is None or options.get("scale_a") is not None:
            return cast("Any", real)(mat_a, mat_b, **options)
        return shaped(mat_a, mat_b, options.get("offs"), options.get("out_dtype") or mat_a.dtype)

    with nullcontext() if real is None else patch.object(registered, real.__name__, product):
        yield


@contextmanager
def plain_ways() -> Iterator[None]:
    """Run modules as written: no fast paths with kernels of their own, nothing compiled."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with ExitStack() as stack:
            stack.enter_context(warnings.catch_warnings())
            warnings.filterwarnings(
                "ignore", message="Using `torch.compile.module.`", category=UserWarning
            )
            if "torch._dynamo" in sys.modules:
                stack.enter_context(torch.compiler.set_stance("force_eager"))
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
