"""ptflops with both of its backends: module hooks plus replaced functions, and ATen ops."""

from __future__ import annotations

import importlib
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from attrs import define, field, frozen

from flopbench import Convention, VendorCall
from flopbench_peer_counters.patched import running
from flopbench_peer_counters.peer import (
    MATRIX,
    Ops,
    Peer,
    as_module,
    audit,
    root_name,
    token,
    whole,
)

_BIASES = {"linear bias": 1, "conv2d bias": 1}


@define
class _Collector:
    """Collects what ptflops appends to its list of functional operations, by module."""

    counted: Ops = field(factory=Counter)
    path: Callable[[], str] = str
    _open: bool = True

    def append(self, number: Any) -> None:
        if self._open:
            self.counted[self.path(), "functional"] += int(number)

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Ignore what is appended meanwhile."""
        before, self._open = self._open, False
        try:
            yield
        finally:
            self._open = before


class Ptflops(Peer):
    """ptflops' default backend: rules by module type, and replaced torch functions."""

    name = "ptflops"
    library = "ptflops"
    module = "ptflops.pytorch_engine"
    summary = "ptflops, backend pytorch: MACs of module types and replaced functions"
    # pytorch_ops.py: 1 per output of a bias, per element of an activation, softmax and norm.
    convention = Convention(
        "MAC", MATRIX, {**_BIASES, "softmax": 1, "silu": 1, "gelu": 1, "layer_norm": 1}
    )

    def measure(self, call: VendorCall, missed: Ops) -> Mapping[tuple[str, str], int]:
        engine = importlib.import_module(self.module)
        kinds = {n: engine.is_supported_instance(m) for n, m in call.root.named_modules()}
        replaced = running(engine.__file__)
        module = engine.add_flops_counting_methods(as_module(call))
        collector = _Collector()

        def seen(path: str, op: Any) -> bool:
            return kinds.get(path, False) or replaced(path, op)

        with audit(call.root, missed, seen, collector.closed) as collector.path:
            module.start_flops_count(ost=io.StringIO(), verbose=False, ignore_list=[])
            engine.patch_functional(collector)
            engine.patch_tensor_ops(collector)
            try:
                module(token())
            finally:
                engine.unpatch_functional()
                engine.unpatch_tensor_ops()
            for name, inner in module.named_modules():
                if engine.is_supported_instance(inner):
                    collector.counted[root_name(name), type(inner).__name__] += inner.__flops__
        return whole(collector.counted.items())


@frozen
class _Innermost:
    """Replaces ptflops' list of running modules: all together, and the innermost."""

    path: Callable[[], str]

    def __iter__(self) -> Iterator[str]:
        return iter(("Global", self.path()))


class PtflopsAten(Peer):
    """ptflops' ATen backend: a dispatch mode with formulas for six ops."""

    name = "ptflops_aten"
    library = "ptflops"
    module = "ptflops.aten_engine"
    summary = "ptflops, backend aten: MACs of dispatched ops"
    convention = Convention("MAC", MATRIX, _BIASES)  # aten_ops.py

    def measure(self, call: VendorCall, missed: Ops) -> Mapping[tuple[str, str], int]:
        engine = importlib.import_module(self.module)
        mode = engine.FlopCounterMode()
        with audit(call.root, missed, lambda _path, op: op in mode.all_ops) as path, mode:
            mode.parents = _Innermost(path)
            call.run()
        total = mode.flop_counts.pop("Global", {})
        counted = {
            (module, str(op)): number
            for module, by_op in mode.flop_counts.items()
            for op, number in by_op.items()
        }
        if sum(counted.values()) != sum(total.values()):
            raise ValueError("ptflops' total is not the sum over modules")
        return whole(counted.items())
