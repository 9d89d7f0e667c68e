"""The abstract vendor model: the real program, its stages and their calls."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, ClassVar, Self

from attrs import frozen

from flopbench.digests import distinct
from flopbench.dims import Dim
from flopbench.errors import CountError, UsageError
from flopbench.training_step import Phase, TrainOptions
from flopbench.wildcards import under_name

VERIFIED = "verified"
"""The variant of a vendor model that is the witness: attention always eager."""


@frozen
class VendorCall:
    """One call of the real model.

    Attributes:
        root: the torch module whose sub-module names say where work happens.
        run: makes the call; everything it needs is prepared beforehand.
        make: prepares the same call in another process; can be pickled. None if no
            counter needs it.
        phase: the pass of a training step whose work is counted: gradients are on, and what
            ``run`` returns is differentiated (the sum of its floating tensors). None to count all
            of ``run``, without gradients.
    """

    root: Any
    run: Callable[[], object]
    make: Callable[[], VendorCall] | None = None
    phase: Phase | None = None


@frozen
class ByLength:
    """Shorter calls, from whose counts that of a long one may follow.

    They are counted and interpolated only if that is less work, and if the counts of some confirm
    what follows from the others.

    Attributes:
        prepare: makes the call of another length.
        length: the length of the stage's own call.
        first: the least length of a call that does what longer ones do.
        stride: calls whose lengths differ by a multiple of it do the same; more than 1 if they work
            in chunks.
        what: what the calls are, for the report.
        unit: what a length counts.
    """

    prepare: Callable[[int], VendorCall]
    length: int
    first: int
    stride: int = 1
    what: str = "calls"
    unit: str = "tokens"


@frozen
class VendorStage:
    """The calls of one stage: ``steps`` of them, one unless it is decoding.

    Attributes:
        prepare: makes the call of step k (1-based), cache filled and inputs built. If the
            workload has symbols for sizes, k may be a symbol, too.
        steps: number of calls.
        sampled: whether a few calls may stand for all if they lie exactly on a line.
        times: how often each call is made, if not once: equal calls are counted once, and their
            count is multiplied. It has an entry for each step, and no step is sampled.
        assumptions: what the calls assume, one sentence each, for the report.
        by_length: finds shorter calls that may stand for the stage's only one, if there are some.
        chunks: finds sizes, by name, that its calls cut into chunks: how many make one. A law that
            cannot be traced is then sought in the number of chunks, too.
        grows: the size, by name, that each step adds 1 to: step k is step 1 of a workload with
            k - 1 more of it. A law of all steps is then that of the first one.
    """

    prepare: Callable[[Any], VendorCall]
    steps: Dim = 1
    sampled: bool = True
    assumptions: tuple[str, ...] = ()
    times: tuple[int, ...] = ()
    by_length: Callable[[], ByLength | None] | None = None
    chunks: Callable[[], Mapping[str, int]] = dict
    grows: str | None = None


def joined(stages: Sequence[VendorStage]) -> VendorStage:
    """Return a stage whose one call makes those of stages of one call each, in turn.

    Raises:
        CountError: a stage has several calls, or they are of different modules.
    """
    if any(stage.steps != 1 for stage in stages):
        raise CountError("stages of several calls each cannot be trained together")

    def prepare(step: Any) -> VendorCall:
        calls = [stage.prepare(step) for stage in stages]
        root = calls[0].root
        if any(call.root is not root for call in calls):
            raise CountError("stages that call different modules cannot be trained together")
        return VendorCall(root, lambda: [call.run() for call in calls])

    notes = dict.fromkeys(note for stage in stages for note in stage.assumptions)
    return VendorStage(prepare, assumptions=tuple(notes))


class VendorModel(ABC):
    """The real implementation of a model, built without weights, attention always eager.

    It has the name of the analytic model whose witness it is, and is built from the same
    architecture; the two share nothing else. A whole plugin::

        import torch
        from attrs import frozen
        from flopbench import VendorCall, VendorModel, VendorStage, hookimpl

        @frozen(kw_only=True)
        class VendorOptions:
            pass

        class LayerVendor(VendorModel):
            name = "layer"
            options_type = VendorOptions

            def __init__(self, width):
                self.module = torch.nn.Linear(width, width, bias=False, device="meta")

            @classmethod
            def from_options(cls, architecture, options):
                return cls(architecture.width)

            def stage(self, name, workload):
                x = torch.empty(workload.tokens, self.module.in_features, device="meta")
                return VendorStage(lambda step: VendorCall(self.module, lambda: self.module(x)))

            def component(self, module):
                return "layer"

        @hookimpl
        def flopbench_vendor_models():
            return [LayerVendor]
    """

    name: ClassVar[str]
    summary: ClassVar[str] = ""

    options_type: ClassVar[type]
    """A frozen attrs class for ``vendor.*``."""

    @classmethod
    def for_name(cls, name: str) -> type[Self]:
        """Return the class for a name that matches a ``name`` ending in ``*``."""
        return under_name(cls, name)

    @classmethod
    @abstractmethod
    def from_options(cls, architecture: Any, options: Any) -> VendorModel:
        """Take the architecture and an instance of ``options_type``; build nothing yet.

        Raises:
            flopbench.errors.UsageError: the options ask for something this vendor cannot do.
        """

    @abstractmethod
    def stage(self, name: str, workload: Any) -> VendorStage:
        """Build the calls of one stage that is not composed."""

    def training(self, workloads: Mapping[str, Any], options: TrainOptions) -> VendorStage:
        """Build the calls of a training step, which run stages one after the other.

        What a call returns is differentiated by who counts it. By default, the calls are those of
        the stages as they are, all weights are trained, and nothing is recomputed.

        Args:
            workloads: the stages that are run, such as ``prefill``, each with its workload; none is
                composed.

        Raises:
            flopbench.errors.CountError: the model cannot be trained in this way.
        """
        if options.changes_passes:
            raise CountError(
                f"vendor model {self.name!r} trains all weights without recomputation: it has no "
                "`training` of its own"
            )
        built = [self.stage(stage, workload) for stage, workload in workloads.items()]
        if len(built) == 1:
            return built[0]
        return joined(built)

    def optimizer(self, workloads: Mapping[str, Any], options: TrainOptions) -> VendorStage:
        """Build the optimizer's step after a training step.

        By default, it is PyTorch's own optimizer, on what requires a gradient in the module that
        `training` calls.

        Args:
            workloads: as for `training`.

        Raises:
            flopbench.errors.CountError: the model cannot be trained in this way.
        """
        from flopbench.vendor.stepped import optimizer_stage

        return optimizer_stage(self.training(workloads, options), options, self.component)

    def shapes(self, stage: str, workload: Any) -> Hashable:
        """Return what the calls of a stage depend on: a sweep counts equal ones once.

        By default, it is the whole workload, hidden fields included.
        """
        found: Hashable = distinct(workload)
        return found

    @abstractmethod
    def component(self, module: str) -> str:
        """Return the component path of work in ``module``, a dotted path below the root."""

    def component_of(self, module: str, op: str) -> str:
        """Return the component path of one op's work in ``module``: by default, the module's own.

        Override it where a module alone does not tell, such as a block that computes attention's
        core itself.

        Args:
            op: the op as the counter names it: ``aten.bmm`` in the torch counter's counts.
        """
        return self.component(module)

    def provenance(self) -> Mapping[str, str]:
        """Return the versions and settings of what is run, for the report."""
        return {}

    def notes(
        self,
        stage: str,
        workload: Any,
        flops: Mapping[str, int],
    ) -> tuple[str, ...]:
        """Say where a stage works more than an engine that serves the model, a sentence each.

        Args:
            flops: what was counted, by component.
        """
        return ()

    @property
    def attention(self) -> str:
        """The name of the attention that runs; ``eager`` except in a variant."""
        return "eager"

    def variant(self, name: str) -> VendorModel:
        """Return the model in a variant, which runs differently, for the counters that ask for it.

        ``verified`` is this model, the witness: every counter gets it unless it asks for
        another. ``executed`` is the model as a user runs it, on a GPU.

        Raises:
            flopbench.errors.UsageError: the model cannot be run in this variant.
        """
        if name == VERIFIED:
            return self
        raise UsageError(f"vendor model {self.name!r} has no variant {name!r}: only {VERIFIED!r}")
