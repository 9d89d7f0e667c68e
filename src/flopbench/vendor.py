"""The abstract vendor model (the real program) and vendor counter (who counts it)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar

from attrs import frozen


@frozen
class VendorCall:
    """One call of the real model.

    Attributes:
        root: the torch module whose sub-module names say where work happens.
        run: makes the call; whatever it needs is prepared before.
    """

    root: Any
    run: Callable[[], object]


@frozen
class VendorStage:
    """The calls of one stage: ``steps`` of them, one unless it is decoding.

    Attributes:
        prepare: makes the call of step k (1-based), cache filled and inputs built.
        steps: number of calls.
        sampled: whether a few calls may stand for all, once they lie exactly on a line.
        assumptions: what is taken for granted, one sentence each, for the report.
    """

    prepare: Callable[[int], VendorCall]
    steps: int = 1
    sampled: bool = True
    assumptions: tuple[str, ...] = ()


class VendorModel(ABC):
    """The real implementation of a model, built without weights, attention always eager.

    Named like the analytic model that it is the witness for, and built from the same
    architecture; it shares nothing else with it.
    """

    name: ClassVar[str]
    summary: ClassVar[str] = ""

    options_type: ClassVar[type]
    """A frozen attrs class for ``vendor.*``."""

    @classmethod
    @abstractmethod
    def from_options(cls, architecture: Any, options: Any) -> VendorModel:
        """Take the architecture and an instance of ``options_type``; build nothing yet.

        Raises:
            flopbench.errors.UsageError: the options ask for what this vendor cannot do.
        """

    @abstractmethod
    def stage(self, name: str, workload: Any) -> VendorStage:
        """Build the calls of one stage that is not composed."""

    def shapes(self, stage: str, workload: Any) -> Hashable:
        """Return what the calls of a stage depend on: a sweep counts equal ones once.

        By default, all of the workload.
        """
        return repr(workload)

    @abstractmethod
    def component(self, module: str) -> str:
        """Return the component path of work in ``module``, a dotted path below the root."""

    def provenance(self) -> Mapping[str, str]:
        """Return versions and settings of what is run, for the report."""
        return {}


@frozen
class Convention:
    """What a counter's numbers mean.

    Attributes:
        unit: ``FLOP`` (1 MAC = 2) is comparable with the closed forms; others are not.
        sees: kinds of priced operation (`flopbench.ops`) that are in its numbers.
    """

    unit: str
    sees: frozenset[str]


@frozen
class Counted:
    """FLOPs of one kind of op in one module, its sub-modules apart."""

    module: str
    op: str
    flops: int


@frozen
class Uncounted:
    """An op that does matrix or attention work, for which the counter has no formula."""

    module: str
    op: str
    calls: int


@frozen
class Count:
    """What a counter saw of one call."""

    counted: tuple[Counted, ...]
    uncounted: tuple[Uncounted, ...] = ()

    @property
    def flops(self) -> int:
        """All FLOPs counted."""
        return sum(entry.flops for entry in self.counted)


@frozen
class StageCount:
    """What a counter saw of a stage, over all its steps."""

    count: Count
    assumptions: tuple[str, ...] = ()


class VendorCounter(ABC):
    """Counts the FLOPs of a call of a real model."""

    name: ClassVar[str]
    summary: ClassVar[str] = ""

    convention: ClassVar[Convention]
    """What the numbers mean; the closed forms are priced under it before comparing."""

    @abstractmethod
    def count(self, call: VendorCall) -> Count:
        """Run the call and return what was counted, per module and op.

        Raises:
            flopbench.errors.CountError: the call fails, or cannot be counted as a whole.
        """

    def provenance(self) -> Mapping[str, str]:
        """Return versions of what counts, for the report."""
        return {}
