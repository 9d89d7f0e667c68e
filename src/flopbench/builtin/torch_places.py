"""Where an op of a real program runs: the innermost module, in the forward or backward pass.

Autograd runs the backward of an op long after its module was left. The node that runs it has the
number that the op had when it was recorded, and that number is kept with the module.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from flopbench.training_step import Phase


class Places:
    """The modules being called, by path.

    Attributes:
        names: paths by module; work outside all of them is at "".
        unknown: called with a module that has no name when it is called; may add names.
        elsewhere: calls of named modules in other threads, where no op is seen.
    """

    def __init__(
        self, names: Mapping[Any, str], unknown: Callable[[Any], None] = lambda _module: None
    ) -> None:
        self.names = dict(names)
        self.unknown = unknown
        self.elsewhere: Counter[str] = Counter()
        self._thread = threading.get_ident()
        self._creates_graph = False
        self._backward_from = 1
        self._stack: list[tuple[Any, str]] = [(None, "")]
        self._nodes: dict[int, str] = {}
        self._failed: list[tuple[BaseException, str]] = []

    def is_here(self) -> bool:
        """Return whether this is the thread that is followed: modes see no op of another."""
        return threading.get_ident() == self._thread

    def path(self) -> str:
        """Return the path of the module whose work runs now."""
        within = self._stack[-1][1]
        if len(self._stack) == self._backward_from and self.phase() is not Phase.FORWARD:
            return self._nodes.get(_node(), within)
        return within

    def phase(self) -> Phase:
        """Return the pass that runs now."""
        import torch

        if torch._C._current_graph_task_id() == -1:  # noqa: SLF001 - no public way
            return Phase.FORWARD
        # A backward records no graph, unless it was asked to; what checkpointing repeats does.
        repeated = torch.is_grad_enabled() and not self._creates_graph
        called = len(self._stack) > self._backward_from
        return Phase.RECOMPUTE if repeated or called else Phase.BACKWARD

    def remember(self) -> None:
        """Keep the place of the op that is dispatched now for its backward."""
        import torch

        if torch.is_grad_enabled() and self.phase() is not Phase.BACKWARD:
            # The op's node was made just before the op is dispatched. Ops without one follow.
            number = torch._C._autograd._get_sequence_nr() - 1  # noqa: SLF001
            self._nodes.setdefault(number, self.path())

    def of_failure(self, error: BaseException) -> str:
        """Return the path of the innermost module that an error came from."""
        return next((path for known, path in self._failed if known is error), "")

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow the calls of modules."""
        import torch
        from torch.nn.modules import module as hooks

        handles = [
            hooks.register_module_forward_pre_hook(self._enter),
            hooks.register_module_forward_hook(self._leave, always_call=True),
        ]
        try:
            with patch.object(torch.autograd, "_engine_run_backward", self._run_backward):
                yield
        finally:
            for handle in handles:
                handle.remove()

    def _run_backward(self, outputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Run a backward, knowing whether it records a graph of its own."""
        from torch.autograd import graph

        before = self._creates_graph, self._backward_from
        self._creates_graph = len(args) > _GRAPH and bool(args[_GRAPH])
        self._backward_from = len(self._stack)
        try:
            return graph._engine_run_backward(outputs, *args, **kwargs)  # noqa: SLF001
        finally:
            self._creates_graph, self._backward_from = before

    def _enter(self, module: Any, _args: Any) -> None:
        if not self.is_here():
            if module in self.names:
                self.elsewhere[self.names[module]] += 1
            return
        if module not in self.names:
            self.unknown(module)
        self._stack.append((module, self.names.get(module, self._stack[-1][1])))

    def _leave(self, module: Any, _args: Any, _output: Any) -> None:
        # A hook that raised before this one's turn let the module be left, and never entered.
        if not self.is_here() or self._stack[-1][0] is not module:
            return
        _, path = self._stack.pop()
        error = sys.exception()
        if error is not None:
            self._failed.append((error, path))


_GRAPH = 2
"""The argument of torch's engine that says whether a backward records a graph."""


def _node() -> int:
    import torch

    node = torch._C._current_autograd_node()  # noqa: SLF001 - no public way
    return -1 if node is None else int(node._sequence_nr())  # noqa: SLF001


@contextmanager
def module_path(root: Any) -> Iterator[Callable[[], str]]:
    """Yield a function that names the innermost module of ``root`` being called.

    Modules are named as in ``root.named_modules()``; work outside all of them is at "".
    """
    places = places_of(root)
    with places.following():
        yield places.path


def places_of(root: Any) -> Places:
    """Return the places in a module, named as in ``root.named_modules()``."""
    return Places({module: name for name, module in root.named_modules()})
