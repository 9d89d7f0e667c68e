"""The abstract attention mode: how attention, and what takes its place, is carried out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, cast

from flopbench.dims import is_zero
from flopbench.ops import STREAM, Attention, Core, Kept, Needs, Op, PricedOp
from flopbench.training.flow import Step, follow
from flopbench.training.passes import backward, repeated
from flopbench.training.saved import kept_of_core


class AttentionMode(ABC):
    """A way to carry out attention, and what takes its place, for every model.

    A mode lowers one `Attention` to priced operations, whatever the model. A whole plugin::

        from flopbench import AttentionMode, MatMul, hookimpl

        class ScoresOnly(AttentionMode):
            name = "scores_only"
            summary = "computes the scores and throws them away"

            def lower(self, op):
                yield MatMul(component=op.component, layers=op.layers, batch=op.batch * op.heads,
                             m=1, k=op.head_dim, n=op.pairs)

        @hookimpl
        def flopbench_attention_modes():
            return [ScoresOnly]
    """

    name: ClassVar[str]
    """The name that ``--attention`` takes."""

    summary: ClassVar[str] = ""
    """One line for ``flopbench list``."""

    label: ClassVar[str | None] = None
    """The name in reports and plots; by default ``analytic <name> (full)``."""

    matches_vendor: ClassVar[bool] = False
    """Whether the vendor model runs attention this way, so that counts must be equal."""

    torch_visible_only: ClassVar[bool] = False
    """Whether the mode covers only what FlopCounterMode would see, not all the work."""

    no_backward: ClassVar[str | None] = None
    """Why it cannot be asked for a training step, as a clause; None if it can."""

    tells_padding: ClassVar[bool] = False
    """Whether its tensor FLOPs are those a kernel executes; reports then show the useful part."""

    carries: ClassVar[tuple[type[Core], ...]] = (Attention,)
    """The kinds of operation that its methods are given: `Attention`, `Recurrence`. Others run
    eagerly."""

    def on_latents(self, op: Attention) -> bool:
        """Return whether it works on latent keys and values as the cache holds them.

        If not, they are expanded first: it is asked to carry out the attention that follows.

        Args:
            op: attention whose keys and values are latent (`Attention.latent`).
        """
        return False

    def unsupported(self, op: Any) -> str | None:
        """Return why this mode cannot carry out ``op``, or None if it can.

        An unsupported op runs eagerly, and the report lists it with this reason.
        """
        return None

    def state(self, op: Any) -> Iterable[PricedOp]:
        """Yield what ``op`` keeps for later passes: by default, what the operation says.

        For attention that is the KV cache, held and written (`KvCacheUpdate`); reading it is in
        what `lower` yields, as ``cache_reads``. A mode that keeps something else says so here.
        """
        return cast("Iterable[PricedOp]", op.state())

    @abstractmethod
    def lower(self, op: Any) -> Iterable[PricedOp]:
        """Yield the operations that carry out ``op``, over all its layers and steps.

        `Attention.pairs`, `Attention.unmasked_pairs` and `Attention.outputs` are already
        summed over the steps: operations built from them have ``steps=1``.
        """

    def backward(self, op: Any, needs: Needs) -> Iterable[PricedOp]:
        """Yield the backward of ``op``, over all its layers: by default, of what it lowers to.

        What `lower` yields says by `Op.takes` and `Op.gives` which of the operands it works on
        (`Core.operand_names`: ``queries``, ``keys`` and ``values`` of attention); if it does not, a
        gradient of one stands for those of all.

        Args:
            needs: which operands need a gradient, and whether sinks are trained.
        """
        return cast("Iterator[PricedOp]", backward(self._steps(op, needs)))

    def recomputed(self, op: Any, needs: Needs) -> Iterable[PricedOp]:
        """Yield what is repeated of ``op`` if it alone is recomputed in the backward pass."""
        return [cast("PricedOp", step.op) for step in repeated(self._steps(op, needs))]

    def keeps(self, op: Any, needs: Needs) -> Iterable[Kept]:
        """Yield what one layer of ``op`` leaves for its backward: by default, what all parts do.

        Eager attention thus keeps the probabilities; a fused kernel keeps its outputs and one
        statistic for each row in their place.
        """
        return kept_of_core(self._steps(op, needs), op.operand_names)

    def _steps(self, op: Core, needs: Needs) -> list[Step]:
        """Return what ``op`` lowers to, with what the backward of each needs."""
        names = zip(op.operand_names, needs.operands, strict=False)
        needing = [name for name, need in names if need]
        chain = [STREAM] if needing else []

        def trains(lowered: Op) -> bool:
            held = isinstance(lowered, PricedOp) and not is_zero(lowered.weights())
            return needs.weights and held

        return list(follow(self.lower(op), trains, [*needing, *chain]))

    def series_label(self) -> str:
        """Return the label of this mode's series in reports and plots."""
        return self.label or f"analytic {self.name} (full)"


def plot_label(label: str, name: str) -> str:
    """Return the label of plots: ``analytic (eager, full)`` for ``analytic eager (full)``."""
    prefix, suffix = f"analytic {name} (", ")"
    if label.startswith(prefix) and label.endswith(suffix):
        return f"analytic ({name}, {label[len(prefix) : -1]})"
    return label
