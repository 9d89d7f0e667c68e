"""A vendor model in training: the passes of its training step, as stages."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import cache
from typing import Any, Final, Self

import attrs

from flopbench.boundary import declared
from flopbench.digests import distinct
from flopbench.training_step import OPTIMIZER, PARTS, PHASE_OF, TrainOptions
from flopbench.vendor.model import VERIFIED, VendorCall, VendorModel, VendorStage


class TrainedVendor(VendorModel):
    """A vendor model whose stages include those of a training step.

    Attributes:
        stages: the stages that a step runs forward.
    """

    def __init__(self, plugin: VendorModel, stages: tuple[str, ...], options: TrainOptions) -> None:
        self.plugin: Final = plugin
        self.stages: Final = stages
        self.train: Final = options
        self._made: tuple[Any, VendorStage] | None = None
        vars(self).update(declared(f"vendor model {plugin.name!r}", plugin, VendorModel))

    @classmethod
    def from_options(cls, architecture: Any, options: Any) -> Self:  # noqa: ARG003 - as declared
        raise TypeError(f"{cls.__name__} wraps an existing vendor model")

    def stage(self, name: str, workload: Any) -> VendorStage:
        if name not in PARTS:
            return self.plugin.stage(name, workload)
        if name == OPTIMIZER:
            return self.plugin.optimizer(self._workloads(workload), self.train)
        made = self._step(workload)

        def prepare(step: Any) -> VendorCall:
            return attrs.evolve(made.prepare(step), phase=PHASE_OF[name])

        return attrs.evolve(made, prepare=prepare)

    def _step(self, workload: Any) -> VendorStage:
        """Return the calls of a step; all its passes get the same ones, which then run once."""
        if self._made is None or self._made[0] is not workload:
            made = self.plugin.training(self._workloads(workload), self.train)
            shared = attrs.evolve(made, prepare=cache(made.prepare))
            self._made = workload, shared
        return self._made[1]

    def _workloads(self, workload: Any) -> dict[str, Any]:
        """Return the workload of each stage that a step runs forward."""
        own: Mapping[str, Any] | None = getattr(workload, "of", None)
        return {stage: workload if own is None else own[stage] for stage in self.stages}

    def shapes(self, stage: str, workload: Any) -> Hashable:
        if stage not in PARTS:
            return self.plugin.shapes(stage, workload)
        each = self._workloads(workload)
        shapes = tuple(self.plugin.shapes(name, own) for name, own in each.items())
        return distinct(self.train), shapes

    def component(self, module: str) -> str:
        return self.plugin.component(module)

    def component_of(self, module: str, op: str) -> str:
        return self.plugin.component_of(module, op)

    def provenance(self) -> Mapping[str, str]:
        return self.plugin.provenance()

    def notes(self, stage: str, workload: Any, flops: Mapping[str, int]) -> tuple[str, ...]:
        return () if stage in PARTS else tuple(self.plugin.notes(stage, workload, flops))

    @property
    def attention(self) -> str:
        return self.plugin.attention

    def variant(self, name: str) -> VendorModel:
        found = self.plugin.variant(name)
        return self if name == VERIFIED else TrainedVendor(found, self.stages, self.train)
