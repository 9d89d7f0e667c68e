"""What a training step keeps in memory, and where it keeps most.

Weights and what the optimizer keeps of them are there all the time. Activations are kept from the
forward to the backward, which frees them as it goes and leaves gradients of weights. The most is at
one of three points:

- ``loss``: all activations are kept, and the logits have a gradient; no weight has one.
- ``backward``: where it keeps the most on its way back (`flopbench.analytic.backward_walk`).
- ``optimizer``: all weights have a gradient, and no activations are left.

Gradients of activations, and what a kernel needs meanwhile, come on top. Gradients are freed after
a step (``zero_grad(set_to_none=True)``, PyTorch's default).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from flopbench.analytic.attention import AttentionMode
from flopbench.analytic.backward_walk import Part, gradients_of, parts_of, walk
from flopbench.analytic.price import Pricer, unsupported
from flopbench.analytic.trained import TrainedModel
from flopbench.dims import Dim
from flopbench.ops import FLOAT32, Core, Kept, Needs, Op, PricedOp
from flopbench.storage import Storage, bytes_of
from flopbench.tally import sums
from flopbench.training.frozen import Trained
from flopbench.training.loss import CrossEntropy
from flopbench.training.optimizer import OptimizerStep, optimizer, weights_of
from flopbench.training.saved import Saved, remade, saved

_LOGITS_GRADIENTS = 2
"""Of the logs of the probabilities, and of the logits: both are there at once, in float32."""

_WHERE = {
    "loss": "at the loss",
    "backward": "in the backward of {backward_component}",
    "optimizer": "at the optimizer's step",
}


@frozen(kw_only=True, eq=False)
class StepMemory:
    """Bytes that a training step keeps.

    Attributes:
        parameters: of all weights.
        trained: how many weights are trained.
        gradients: of all weights that are trained.
        states: what the optimizer keeps, a float32 copy of weights included.
        kept: activations that are kept for the backward, in the order of the forward.
        parts: what the backward goes through, in the order of the forward.
        logits: the logits, in the dtype of activations.
        logits_gradient: their gradient and that of the logs of the probabilities, in float32, as
            transformers computes the loss; 0 if nothing is trained.
    """

    parameters: Dim
    trained: Dim
    gradients: Dim
    states: Dim
    kept: tuple[Saved, ...]
    parts: Sequence[Part]
    logits: Dim
    logits_gradient: Dim

    @property
    def saved(self) -> Mapping[str, Dim]:
        """Activations that are kept for the backward, by component."""
        return sums((each.component, each.total) for each in self.kept)

    @property
    def backward(self) -> tuple[str | None, int]:
        """The component where the backward keeps most, and how much that is; None without one."""
        always = int(self.parameters + self.states)
        places = walk(self.parts) if self.trained else ()
        found = ((name, always + int(size)) for name, size in places)
        return max(found, key=lambda each: each[1], default=(None, always))

    @property
    def largest_remade(self) -> int:
        """The most that is made again at once."""
        return max((int(part.remade) for part in self.parts), default=0)

    def to_dict(self) -> dict[str, Any]:
        """Return the bytes as plain ints, and where the peak is."""
        always, kept = self.parameters + self.states, sum(each.total for each in self.kept)
        component, backward = self.backward
        peaks = {
            "loss": int(always + kept + self.logits + self.logits_gradient),
            "backward": backward,
            "optimizer": int(always + self.gradients),
        }
        found = {name: int(size) for name, size in self.saved.items()}
        where = max(reversed(peaks), key=lambda name: peaks[name])  # of equal ones, the last
        return {
            "peak_bytes": peaks[where],
            "peak_at": where,
            "peaks": peaks,
            "backward_component": component,
            "trained_parameters": int(self.trained),
            "parameter_bytes": int(self.parameters),
            "gradient_bytes": int(self.gradients),
            "state_bytes": int(self.states),
            "saved_bytes": sum(found.values()),
            "saved": found,
            "remade_bytes": self.largest_remade,
            "logits_bytes": int(self.logits),
            "logits_gradient_bytes": int(self.logits_gradient),
        }


def where(found: Mapping[str, Any]) -> str:
    """Say where the peak is of what `StepMemory.to_dict` returns."""
    return _WHERE[found["peak_at"]].format_map(found)


def step_memory(
    model: TrainedModel, workload: Any, pricer: Pricer, mode: AttentionMode
) -> StepMemory:
    """Return what a training step keeps in an attention mode, or eagerly where it cannot run."""
    steps, storage, how = model.steps(workload), pricer.storage, model.train.recompute
    dtype = storage.activations
    gradient_dtype = model.train.gradient_dtype or storage.rest

    def core(op: Core, needs: Needs) -> Iterable[Kept]:
        return (pricer.eager if unsupported(op, mode) else mode).keeps(op, needs)

    ops = [step.op for step in steps]
    trains = Trained.of(ops, model.train)
    updates = _updates(ops, trains, model)
    loss = next((s for s in steps if isinstance(s.op, CrossEntropy)), None)
    logits = loss.op.logits if loss and isinstance(loss.op, CrossEntropy) else 0
    needed = FLOAT32 * _LOGITS_GRADIENTS if loss and loss.needs.anything else 0
    kept, again = tuple(saved(steps, core, dtype, how)), remade(steps, core, dtype, how)
    sizes = gradients_of(steps, trains, lambda count: bytes_of(count, gradient_dtype))
    return StepMemory(
        parameters=sum(_bytes(op, storage) for op in ops if not op.weights_shared),
        trained=sum(update.updated * update.layers for update in updates),
        gradients=sum(update.held(storage)[0] for update in updates),
        states=sum(update.held(storage)[1] for update in updates),
        kept=kept,
        parts=parts_of(steps, kept, again, sizes),
        logits=bytes_of(logits, dtype),
        logits_gradient=needed * logits,
    )


def _updates(ops: Iterable[Op], trains: Trained, model: TrainedModel) -> list[OptimizerStep]:
    every = optimizer(ops, trains, model.train)
    return [update for update in every if isinstance(update, OptimizerStep)]


def _bytes(op: Op, storage: Storage) -> Dim:
    """Return the bytes of an operation's weights, in all copies."""
    if isinstance(op, PricedOp):
        return op.weight_bytes(storage) * op.layers
    return bytes_of(weights_of(op) * op.layers, storage.rest)
