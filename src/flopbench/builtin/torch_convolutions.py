"""An own formula of the gradients of convolutions in groups, for which torch's says too much."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from flopbench import OwnFormula
from flopbench.conventions import MAC_FLOPS

IN_GROUPS = "aten.convolution_backward in groups"
"""What a count calls the gradients of a convolution in groups."""

_GROUPS = 9
"""Where ``aten.convolution_backward`` has the number of its groups."""


def gradients(
    grad: Any,
    x: Any,
    weight: Any,
    _bias_sizes: Any,
    _stride: Any,
    _padding: Any,
    _dilation: Any,
    is_transposed: bool,
    _output_padding: Any,
    _groups: int,
    wanted: Sequence[bool],
    **_: Any,
) -> Any:
    """Return the FLOPs of the convolution itself for each of its input's and weight's gradients.

    Each product of a weight and an input gives rise to one for either gradient, also in groups.
    Torch's formula (2.13) takes the weight's gradient to be that of a convolution without groups.
    """
    sizes = (x if is_transposed else grad).shape
    once = MAC_FLOPS * prod(weight.shape) * positions(sizes, weight.dim() - 2)
    return once * sum(wanted[:2])


def positions(shape: Sequence[Any], dims: int) -> Any:
    """Return the positions of [batch, channels, *positions] or [channels, *positions]."""
    batch = shape[0] if len(shape) == dims + 2 else 1
    return batch * prod(shape[-dims:])


CORRECTIONS: dict[str, Callable[..., Any]] = {"convolution_backward": gradients}
"""Of ops whose formula in torch is wrong, by the name of the op."""


def corrected() -> Mapping[Any, Callable[..., Any]]:
    """Return formulas that hold for some calls, in place of torch's, by op.

    Each says by an attribute ``name_of`` what its call is called, or None if torch's formula holds.
    """
    import torch

    def counting(*args: Any, **kwargs: Any) -> Any:
        return gradients(*args, **kwargs)

    def name_of(*args: Any, **_: Any) -> str | None:
        return IN_GROUPS if args[_GROUPS] > 1 else None

    counting.name_of = name_of  # type: ignore[attr-defined]
    return {torch.ops.aten.convolution_backward: counting}


def described() -> OwnFormula:
    """Return what the formula says, and where that is documented."""
    return OwnFormula(
        op=IN_GROUPS,
        formula="what the convolution takes, for each gradient; torch's leaves out the groups",
        where="docs/conventions.md#own-formulas",
    )
