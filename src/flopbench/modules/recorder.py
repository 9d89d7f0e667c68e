"""What runs beside the matrix work: vector work, by module, op and pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

from flopbench.builtin.torch_places import Places
from flopbench.builtin.torch_watch import does_matrix_work
from flopbench.conventions import Conventions
from flopbench.modules.vector import vector_work
from flopbench.modules.vector_tables import BIASES
from flopbench.training_step import Phase

Key = tuple[str, str, Phase]
"""Module, what it is priced as, and pass."""


class Recorder(TorchDispatchMode):
    """Records the vector work of each op.

    Attributes:
        elements: elements worked on.
        flops: FLOPs under the conventions.
        unpriced: calls of ops that compute and have no price.
    """

    def __init__(self, places: Places, formulas: Container[Any], conventions: Conventions) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.elements: Counter[Key] = Counter()
        self.flops: Counter[Key] = Counter()
        self.unpriced: Counter[Key] = Counter()
        self._places, self._formulas, self._conventions = places, formulas, conventions

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        packet = func.overloadpacket
        namespace, _, name = str(packet).rpartition(".")
        matrix = packet in self._formulas or does_matrix_work(namespace, name)
        if not matrix or name in BIASES:
            self._record(vector_work(func, args, kwargs or {}, out, self._conventions))
        return out

    def _record(self, work: Any) -> None:
        if work is None:
            return
        key = self._places.path(), work.kind, self._places.phase()
        if work.flops is None:
            self.unpriced[key] += 1
        else:
            self.elements[key] += work.elements
            self.flops[key] += work.flops
