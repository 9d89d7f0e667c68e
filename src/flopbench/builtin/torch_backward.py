"""The backward pass of what a call returned."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._pytree import tree_leaves

from flopbench.errors import CountError


def run_backward(returned: Any) -> None:
    """Run the backward of the sum of all floating outputs that have a gradient.

    Raises:
        CountError: none has.
    """
    floating = [t for t in _leaves(returned) if t.requires_grad and t.is_floating_point()]
    if not floating:
        raise CountError(
            "no output has a gradient: no parameter or input requires one, or no_grad is on"
        )
    sums = [tensor.sum() for tensor in floating]
    torch.autograd.backward(sums)


def _leaves(returned: Any) -> list[torch.Tensor]:
    """Return the tensors in a result: in containers, and in the attributes of plain objects."""
    found = []
    for leaf in tree_leaves(returned):
        if isinstance(leaf, torch.Tensor):
            found.append(leaf)
        elif not isinstance(leaf, torch.nn.Module | type) and hasattr(leaf, "__dict__"):
            found += [value for value in vars(leaf).values() if isinstance(value, torch.Tensor)]
    return found
