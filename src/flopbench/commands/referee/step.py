"""What the model's operations cost in a phase, priced as everywhere else: eagerly, op by op."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from flopbench.boundary import calling
from flopbench.ops import Op
from flopbench.plan import Plan
from flopbench.training.flow import follow
from flopbench.training.frozen import has_weights
from flopbench.training.passes import backward, forward, recomputed


@frozen
class Priced:
    """The matrix FLOPs of a phase.

    Attributes:
        counted: what the real model's count equals.
        repeated: the forward work that full recomputation repeats; 0 but for a training step.
    """

    counted: int
    repeated: int = 0


def priced(plan: Plan, ops: Iterable[Op], *, training: bool) -> Priced:
    """Price the operations of a stage, or the training step that has them as its forward.

    Raises:
        PluginError: an operation does not say what its backward does.
    """
    if not training:
        return Priced(_flops(plan, ops))
    with calling(f"the training step of model {plan.model.name!r}"):
        steps = tuple(follow(forward(ops), has_weights))
        there = _flops(plan, (step.op for step in steps))
        back = _flops(plan, backward(steps))
        return Priced(there + back, _flops(plan, recomputed(steps, "full")))


def _flops(plan: Plan, ops: Iterable[Op]) -> int:
    return int(plan.pricer.price(ops, plan.eager).cost.tensor_flops)
