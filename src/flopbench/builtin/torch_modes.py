"""The dispatch mode that every op reaches first: what counts it, and what tells that nothing does.

Most ops of a program move, compare or add elements. FlopCounterMode has no formula for them, takes
them apart into no others, and the audit has nothing to report of them: they are run without either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, cast

from torch._C import _len_torch_dispatch_stack
from torch._ops import HigherOrderOperator, OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from flopbench.builtin.torch_results import Results
from flopbench.builtin.torch_watch import does_matrix_work


class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Runs each op that may do matrix work under FlopCounterMode, and all others as they are.

    Attributes:
        total: FlopCounterMode's own sum.
    """

    supports_higher_order_operators = True

    def __init__(
        self,
        formulas: dict[Any, Any],
        report: Callable[[str], None],
        remember: Callable[[], None],
    ) -> None:
        """Count by formulas, of packets of ops.

        Args:
            report: called with the name of an op that is not counted, and does matrix work.
            remember: called before an op is run.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self.total: Any = 0
        self._counts = FlopCounterMode(display=False, custom_mapping=formulas)
        self._counts.mod_tracker = cast("Any", Untracked())
        self._audit = Audit(formulas, report, remember)
        self._report, self._remember = report, remember
        self._results = Results()
        self._is_silent = cache(lambda op: is_silent(op, formulas))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self._is_silent(func):
            self._remember()
            # Whoever watches from outside must see each op.
            alone = _len_torch_dispatch_stack() == 0
            return (
                self._results.of(func, args, kwargs or {}) if alone else func(*args, **kwargs or {})
            )
        if isinstance(func, HigherOrderOperator):
            # FlopCounterMode handles it itself, and what it calls may never be dispatched.
            self._report(f"higher_order.{func.name()}")  # type: ignore[no-untyped-call]
        # The audit gets what is left once FlopCounterMode has taken apart what has no formula.
        try:
            with self._audit, self._counts:
                return func(*args, **(kwargs or {}))
        finally:
            # A program may go on after an op that worked, and then failed.
            self.total += self._counts.get_total_flops()


class Audit(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Reports each op that does matrix work and has no formula: FlopCounterMode ignores it."""

    def __init__(
        self,
        formulas: Mapping[Any, Any],
        report: Callable[[str], None],
        remember: Callable[[], None],
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._report, self._remember = report, remember
        self._is_missed = cache(lambda packet: is_missed(packet, formulas))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self._remember()
        if self._is_missed(func.overloadpacket):
            self._report(str(func.overloadpacket))
        return func(*args, **(kwargs or {}))


def is_missed(packet: Any, formulas: Mapping[Any, Any]) -> bool:
    """Return whether an op does matrix work and has no formula."""
    namespace, _, name = str(packet).rpartition(".")
    return packet not in formulas and does_matrix_work(namespace, name)


def is_silent(op: Any, formulas: Mapping[Any, Any]) -> bool:
    """Return whether FlopCounterMode only passes an op on, and an audit has nothing to report.

    It answers queries of sizes itself: those return no tensor.
    """
    if not isinstance(op, OpOverload) or op.namespace != "aten":
        return False
    returned = [str(each.type) for each in op._schema.returns]  # noqa: SLF001 - no public way
    makes_tensors = bool(returned) and all("Tensor" in each for each in returned)
    counted = op.overloadpacket in formulas or op._can_decompose()  # noqa: SLF001
    return makes_tensors and not counted and not is_missed(op.overloadpacket, formulas)


class Untracked:
    """Takes the place of torch's tracker of modules, which `Places` makes needless.

    Torch's fails without gradients if a parameter is what a module is called with.
    """

    parents = frozenset({"Global"})

    def __enter__(self) -> None:
        """Enter nothing."""

    def __exit__(self, *_: object) -> None:
        """Leave nothing."""
