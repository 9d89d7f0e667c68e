"""One attention in the attention modes that plugins bring."""

from __future__ import annotations

from attrs import frozen

from flopbench.analytic import AttentionMode
from flopbench.analytic.checked import checked_mode
from flopbench.analytic.price import price
from flopbench.boundary import calling
from flopbench.conventions import Conventions
from flopbench.ops import Attention


@frozen
class ModeFigures:
    """What one attention costs in one mode.

    Attributes:
        tensor_flops: FLOPs of its matrix work; None if it does not support the op.
        reason: why it does not.
    """

    tensor_flops: int | None
    reason: str | None = None


def mode_figures(op: Attention, mode: type[AttentionMode], eager: AttentionMode) -> ModeFigures:
    """Price one attention op of ints in a mode.

    Raises:
        PluginError: the mode raises.
    """
    with calling(f"attention mode {mode.name!r}"):
        priced = price([op], checked_mode(mode()), eager, Conventions())
        if priced.fallbacks:
            return ModeFigures(None, priced.fallbacks[0].reason)
        return ModeFigures(int(priced.cost.tensor_flops))


def mode_text(name: str, figures: ModeFigures) -> str:
    """Return the figures as a line of text, below those of kernels."""
    if figures.tensor_flops is None:
        return f"  {name:<36}: not carried out: {figures.reason}"
    return f"  {name:<36}: {figures.tensor_flops:>24,}"
