"""The second witness: modules of known kinds, priced from the shapes of their calls.

What a module of a known kind must do follows from its attributes and its operands. It is held
against what was dispatched while it was called, in the forward pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define, evolve, field

from flopbench.builtin.torch_places import Places
from flopbench.modules.counted import Check
from flopbench.modules.known import known_ops

_KEYWORDS_AND_OUTPUT = 2
"""What a hook gets of a call that did not fail, besides module and arguments."""


@define
class Witness:
    """Follows the calls of known modules.

    Attributes:
        places: gives the paths of modules.
        checks: what was found, by path.
    """

    places: Places
    checks: dict[str, Check] = field(factory=dict)
    _counted: Any = 0
    _open: list[tuple[Any, Any]] = field(factory=list)

    def count(self, flops: Any) -> None:
        """Take note of matrix work that was dispatched."""
        self._counted += flops

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow the calls of modules; of a known module within a known one, the outer counts."""
        from torch.nn.modules import module as hooks

        handles = [
            hooks.register_module_forward_pre_hook(self._enter),
            hooks.register_module_forward_hook(self._leave, with_kwargs=True, always_call=True),
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, module: Any, _args: Any) -> None:
        if self.places.is_here():
            self._open.append((module, self._counted))

    def _leave(self, module: Any, args: Any, *rest: Any) -> None:
        if not (self.places.is_here() and self._open and self._open[-1][0] is module):
            return  # another thread, or a hook raised before the module was entered
        _, before = self._open.pop()
        path = self.places.names.get(module)
        if len(rest) < _KEYWORDS_AND_OUTPUT or path is None:
            return  # the call failed
        kwargs, output = rest
        ops = known_ops(module, args, kwargs, output)
        if ops is None:
            return
        priced: Any = sum(op.layers * op.steps * op.tensor_flops() for op in ops)
        counted = self._counted - before
        differs = int(priced != counted)
        check = Check(path, type(module).__name__, 1, priced, counted, differs)
        known = self.checks.get(path)
        if known is not None:
            check = evolve(
                check,
                calls=known.calls + 1,
                priced=known.priced + check.priced,
                counted=known.counted + check.counted,
                differing=known.differing + check.differing,
            )
        self.checks[path] = check
        # What a known module calls is its own: it is not checked again.
        within = f"{path}." if path else ""
        for inner in [p for p in self.checks if p != path and p.startswith(within)]:
            del self.checks[inner]
