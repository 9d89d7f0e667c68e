"""The abstract attention mode: how one attention core is carried out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from flopbench.ops import Attention, PricedOp


class AttentionMode(ABC):
    """A way to carry out attention, for every model.

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

    tells_padding: ClassVar[bool] = False
    """Whether its tensor FLOPs are those a kernel executes; reports then show the useful part."""

    def unsupported(self, op: Attention) -> str | None:
        """Return why this mode cannot carry out ``op``, or None if it can.

        An unsupported op runs eagerly, and the report lists it with this reason.
        """
        return None

    @abstractmethod
    def lower(self, op: Attention) -> Iterable[PricedOp]:
        """Yield the operations that carry out ``op``, over all its layers and steps.

        `Attention.pairs`, `Attention.unmasked_pairs` and `Attention.outputs` are already
        summed over the steps: operations built from them have ``steps=1``.
        """

    def series_label(self) -> str:
        """Return the label of this mode's series in reports and plots."""
        return self.label or f"analytic {self.name} (full)"


def plot_label(label: str, name: str) -> str:
    """Return the label of plots: ``analytic (eager, full)`` for ``analytic eager (full)``."""
    prefix, suffix = f"analytic {name} (", ")"
    if label.startswith(prefix) and label.endswith(suffix):
        return f"analytic ({name}, {label[len(prefix) : -1]})"
    return label
