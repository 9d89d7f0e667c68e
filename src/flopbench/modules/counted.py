"""What a count of a module found: a frozen value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

import attrs
from attrs import frozen

from flopbench.tally import sums
from flopbench.values import Node, Value
from flopbench.version import __version__

SCHEMA_VERSION = "1.0"


def versions() -> dict[str, str]:
    """Return the versions of what counts."""
    import torch

    return {"flopbench": __version__, "torch": str(torch.__version__)}


@frozen
class Work:
    """Matrix work of one op in one module, without its sub-modules.

    Attributes:
        phase: ``forward``, ``recompute`` (checkpointing) or ``backward``.
        own: whether the formula is flopbench's own, since torch has none, or a wrong one.
    """

    module: str
    op: str
    phase: str
    flops: int
    own: bool = False


@frozen
class VectorWork:
    """Vector work of one kind in one module, priced under `flopbench.conventions`."""

    module: str
    kind: str
    phase: str
    elements: int
    flops: int


@frozen
class Unseen:
    """An op that computes and was not counted: it has no formula, or no price."""

    module: str
    op: str
    calls: int


@frozen
class Check:
    """A module of a known kind: what its shapes say, and what was counted in it.

    Attributes:
        differing: calls in which the two are not equal.
    """

    module: str
    kind: str
    calls: int
    priced: int
    counted: int
    differing: int = 0


@frozen(kw_only=True)
class ModuleCount(Value):
    """FLOPs of one call of a module or function.

    Attributes:
        name: of what was called.
        work: matrix work, by module, op and pass.
        vector: vector work, which `flops` leaves out.
        uncounted: ops that do matrix work and have no formula, neither torch's nor ours.
        unpriced: vector ops without a price.
        checks: modules of known kinds, priced from their shapes: the second witness.
        parameters, parameter_bytes: of the modules found; shared ones once.
        peak_activation_bytes: the most that is alive during one op, weights left out; None if it
            depends on the values of tensors.
        notes: what was done otherwise than in a plain call, a sentence each.
        method: ``meta`` (shapes alone) or ``run`` (really run).
        depth: levels of modules that `text` and the tree show; None shows all.
        components: names of parts by pattern of module paths.
        versions: of flopbench and torch.
    """

    name: str
    work: tuple[Work, ...]
    vector: tuple[VectorWork, ...] = ()
    uncounted: tuple[Unseen, ...] = ()
    unpriced: tuple[Unseen, ...] = ()
    checks: tuple[Check, ...] = ()
    parameters: int = 0
    parameter_bytes: int = 0
    peak_activation_bytes: int | None = None
    notes: tuple[str, ...] = ()
    method: str = "meta"
    depth: int | None = attrs.field(default=None, eq=False)
    components: Mapping[str, str] = attrs.field(factory=dict, eq=False)
    versions: Mapping[str, str] = attrs.field(factory=versions, eq=False)

    @property
    def flops(self) -> int:
        """FLOPs of matrix work: 2 per multiply-accumulate."""
        return sum(each.flops for each in self.work)

    @property
    def own_formula_flops(self) -> int:
        """The part of `flops` for which torch has no formula, or a wrong one, and flopbench has."""
        return sum(each.flops for each in self.work if each.own)

    @property
    def vector_flops(self) -> int:
        """FLOPs of all but matrix work, under the conventions; never a part of `flops`."""
        return sum(each.flops for each in self.vector)

    @property
    def by_phase(self) -> dict[str, int]:
        """FLOPs by pass: ``forward``, ``recompute``, ``backward``."""
        return self._by(lambda each: each.phase)

    @property
    def by_op(self) -> dict[str, int]:
        """FLOPs by op, as torch names it."""
        return self._by(lambda each: each.op)

    @property
    def by_module(self) -> dict[str, int]:
        """FLOPs by path of module, each without its sub-modules; "" is the outermost."""
        return self._by(lambda each: each.module)

    @property
    def by_component(self) -> dict[str, int]:
        """FLOPs by component: modules under their names in `components`, others by depth."""
        return self._by(lambda each: self.component(each.module))

    def by_depth(self, depth: int) -> dict[str, int]:
        """Return FLOPs by path of module, deeper ones added to theirs at this depth."""
        return self._by(lambda each: cut(each.module, depth))

    def component(self, module: str) -> str:
        """Return the name of the component that a module belongs to.

        A module belongs to the first pattern that its path, or the path of a module around it,
        matches.
        """
        for pattern, name in self.components.items():
            if any(fnmatchcase(path, pattern) for path in _paths(module)):
                return name
        return module if self.depth is None else cut(module, self.depth)

    @property
    def checked_flops(self) -> int:
        """The part of the forward FLOPs that the second witness priced, too."""
        return sum(check.counted for check in self.checks)

    @property
    def differences(self) -> tuple[Check, ...]:
        """Modules whose shapes say something else than was counted."""
        return tuple(check for check in self.checks if check.differing)

    @property
    def complete(self) -> bool:
        """Whether all matrix work was counted, and no known module says otherwise."""
        return not self.uncounted and not self.differences

    @cached_property
    def verdict(self) -> str:
        """What the count is worth, in one sentence."""
        from flopbench.modules.text import verdict

        return verdict(self)

    def _by(self, key: Callable[[Work], str]) -> dict[str, int]:
        return dict(sums((key(each), each.flops) for each in self.work))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "schema_version": SCHEMA_VERSION,
            "name": self.name,
            "method": self.method,
            "flops": self.flops,
            "own_formula_flops": self.own_formula_flops,
            "vector_flops": self.vector_flops,
            "flops_by_phase": self.by_phase,
            "parameters": self.parameters,
            "parameter_bytes": self.parameter_bytes,
            "peak_activation_bytes": self.peak_activation_bytes,
            "complete": self.complete,
            "verdict": self.verdict,
            "flops_by_component": self.by_component,
            **{
                name: [attrs.asdict(each) for each in getattr(self, name)]
                for name in ("work", "vector", "uncounted", "unpriced", "checks")
            },
            "notes": list(self.notes),
            "versions": dict(self.versions),
        }

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each module, op and pass of matrix and vector work."""
        matrix = [("matrix", w.module, w.op, w.phase, w.flops) for w in self.work]
        vector = [("vector", w.module, w.kind, w.phase, w.flops) for w in self.vector]
        return [
            {
                "component": self.component(module),
                "module": module,
                "op": op,
                "phase": phase,
                "kind": kind,
                "flops": flops,
            }
            for kind, module, op, phase, flops in (*matrix, *vector)
        ]

    def text(self) -> str:
        """Return what a terminal shows."""
        from flopbench.modules.text import text

        return text(self)

    def tree(self) -> Node:
        """Return the modules with their FLOPs, sub-modules included."""
        from flopbench.modules.text import tree

        return tree(self)


def cut(module: str, depth: int) -> str:
    """Return the path of the module at a depth that a module is, or is within."""
    return ".".join(module.split(".")[:depth]) if module else ""


def is_within(module: str, path: str) -> bool:
    """Return whether a module is at a path, or below it."""
    return f"{module}.".startswith(f"{path}.")


def _paths(module: str) -> Iterable[str]:
    parts = module.split(".")
    return (".".join(parts[: i + 1]) for i in range(len(parts)))
