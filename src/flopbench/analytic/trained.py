"""A model in training: the stages of a training step, made of those of its forward."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final, Self

import attrs
from attrs import frozen

from flopbench.analytic.model import AnalyticModel, Named, Stage
from flopbench.boundary import declared
from flopbench.dims import Dim
from flopbench.ops import STREAM, Conv2d, Convolution, Embedding, Op, expanded
from flopbench.storage import Storage
from flopbench.training.flow import Step, follow
from flopbench.training.frozen import Trained, require_patterns
from flopbench.training.lora import Targets, adapted
from flopbench.training.optimizer import optimizer
from flopbench.training.passes import backward, forward, recomputed
from flopbench.training_step import (
    OPTIMIZER,
    PARTS,
    PHASE_OF,
    STAGE_OF,
    TRAIN,
    TRAINING,
    LoraOptions,
    Phase,
    TrainOptions,
)

TITLES: Mapping[Phase, str] = {
    Phase.FORWARD: "Forward",
    Phase.RECOMPUTE: "Recomputation",
    Phase.BACKWARD: "Backward",
}


_PARTS = (
    *(Stage(stage, f"Training: {TITLES[phase].lower()}") for phase, stage in STAGE_OF.items()),
    Stage(OPTIMIZER, "Training: optimizer"),
)
STAGES = (*_PARTS, Stage(TRAIN, "Training step", parts=PARTS))
"""The stages of a training step: its passes, the optimizer, and the step itself."""


@frozen(eq=False)
class StepWorkload:
    """The workload of each stage that a training step runs forward, by name."""

    of: Mapping[str, Any]


class TrainedModel(AnalyticModel):
    """A model with the stages of a training step besides its own.

    The step is composed of a forward, what is recomputed if anything is, a backward, and the
    optimizer's step.
    """

    def __init__(self, plugin: AnalyticModel, options: TrainOptions) -> None:
        self.plugin: Final = plugin
        self.train: Final = options
        vars(self).update(declared(f"model {plugin.name!r}", plugin, AnalyticModel))
        own = tuple(stage for stage in plugin.stages if stage.name not in TRAINING)
        vars(self)["stages"] = (*own, *STAGES)

    @property
    def forward_stages(self) -> tuple[str, ...]:
        """The stages of the model that a step runs forward."""
        first = next(stage.name for stage in self.plugin.stages if not stage.parts)
        return self.plugin.trained or self.plugin.first_token or (first,)

    @classmethod
    def from_options(cls, options: Any) -> Self:  # noqa: ARG003 - as declared
        raise TypeError(f"{cls.__name__} wraps an existing model")

    @property
    def no_closed_forms(self) -> str | None:
        return self.plugin.no_closed_forms

    @property
    def max_positions(self) -> int | None:
        return self.plugin.max_positions

    @property
    def storage(self) -> Storage:
        return self.plugin.storage

    @property
    def architecture(self) -> Any:
        return self.plugin.architecture

    def workload(self, inputs: Any) -> Any:
        """Return the model's workload.

        Raises:
            UsageError: the options name something that the model does not have.
        """
        workload = self.plugin.workload(inputs)
        if self.no_closed_forms is None:
            ops = list(self._forward(workload))
            require_patterns(ops, self.train.frozen)
            if self.train.lora:
                self._targets(self.train.lora).require_all(ops)
        return workload

    def workload_facts(self, workload: Any) -> Mapping[str, Any]:
        return self.plugin.workload_facts(workload)

    def stages_of(self, workload: Any) -> tuple[Stage, ...]:
        found = self.plugin.stages_of(workload)
        has = {stage.name for stage in found}
        return (*found, *(STAGES if has.issuperset(self.forward_stages) else ()))

    def ops(self, stage: str, workload: Any) -> Iterable[Op]:
        if stage not in PARTS:
            return self.plugin.ops(stage, workload)
        if stage == OPTIMIZER:
            ops = list(self._adapted(workload))
            return optimizer(ops, Trained.of(ops, self.train), self.train)
        phase = PHASE_OF[stage]
        if phase is Phase.FORWARD:
            return forward(self._adapted(workload))
        steps = self.steps(workload)
        return (
            backward(steps) if phase is Phase.BACKWARD else recomputed(steps, self.train.recompute)
        )

    def steps(self, workload: Any) -> list[Step]:
        """Return the operations of the forward of a step, with what their backward needs."""
        ops = list(forward(self._adapted(workload)))
        trains = Trained.of(ops, self.train)
        # transformers gives the embeddings a gradient wherever it checkpoints layers: a layer that
        # is given none would not be followed.
        checkpointed = self.train.recompute == "full" and any(map(trains, ops))
        return list(follow(ops, trains, anyway=partial(_embeds, checkpointed)))

    def _adapted(self, workload: Any) -> Iterator[Op]:
        ops, lora = self._forward(workload), self.train.lora
        return adapted(ops, lora.rank, self._targets(lora)) if lora else ops

    def _targets(self, lora: LoraOptions) -> Targets:
        return Targets(lora.targets, self.plugin.layer_names)

    def _forward(self, workload: Any) -> Iterator[Op]:
        for stage in self.forward_stages:
            own = workload.of[stage] if isinstance(workload, StepWorkload) else workload
            yield from expanded(self.plugin.ops(stage, own))

    def stage_sizes(self, stage: str, workload: Any) -> Mapping[str, Dim]:
        if stage not in PARTS:
            return self.plugin.stage_sizes(stage, workload)
        found: dict[str, Dim] = {}
        if stage == OPTIMIZER:  # weights are as many, whatever goes through them
            return found
        for each in self.forward_stages:
            found |= self.plugin.stage_sizes(each, workload)
        return found

    def stage_workload(self, stage: str, workload: Any, sizes: Mapping[str, Dim]) -> Any:
        if stage not in PARTS:
            return self.plugin.stage_workload(stage, workload, sizes)
        if stage == OPTIMIZER:
            return workload
        made = {}
        for each in self.forward_stages:
            has = self.plugin.stage_sizes(each, workload)
            own = {name: size for name, size in sizes.items() if name in has}
            made[each] = self.plugin.stage_workload(each, workload, own)
        return StepWorkload(made)

    def assumptions(self) -> tuple[str, ...]:
        return self.plugin.assumptions()

    def notes(self) -> tuple[str, ...]:
        return self.plugin.notes()

    def notes_of(self, workload: Any) -> tuple[str, ...]:
        return (*self.plugin.notes_of(workload), *self._remarks(workload))

    def _remarks(self, workload: Any) -> Iterator[str]:
        """Yield what is remarkable about what is trained and recomputed."""
        if self.no_closed_forms is not None:
            return
        steps = self.steps(workload)
        if not any(step.needs.weights for step in steps):
            yield "no weight is trained: the step is a forward pass"
        elif self.train.recompute == "full" and not any(step.layer for step in steps):
            yield "nothing is recomputed: the model does not say which operations are in layers"

    def layer_names(self, component: str, role: str) -> tuple[str, ...]:
        return self.plugin.layer_names(component, role)

    def named(self) -> Named | None:
        found = self.plugin.named()
        return found and attrs.evolve(found, model=TrainedModel(found.model, self.train))


def _embeds(wanted: bool, op: Op) -> bool:
    """Return whether an operation embeds tokens or patches whose gradient is asked for."""
    of_data = isinstance(op, Conv2d | Convolution) and STREAM not in op.takes
    return wanted and (isinstance(op, Embedding) or of_data)
