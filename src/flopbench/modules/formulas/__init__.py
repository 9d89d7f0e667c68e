"""Own formulas: the matrix work of ops that torch's registry of formulas leaves out.

FlopCounterMode counts an op without a formula as 0. Most of these ops are kernels that do on one
device what other devices do in several counted ops: with them a module has the same count on
``cpu`` as on ``meta``. As in torch's registry, a multiply-add is 2 FLOPs, and work that is not a
product of matrices (bias, mask, softmax) is left out.

Solves by substitution are shared with the counter of runs (`flopbench.builtin.torch_solves`). No
formula is given to ops whose work depends on values (decompositions, sparse products), or is no
product of matrices (FFTs, distances by differences): they stay uncounted, and named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from flopbench.builtin import torch_convolutions, torch_solves
from flopbench.modules.formulas import attention, convolution, flex, lookups, products, recurrent

Formula = Callable[..., Any]
"""Takes what the op takes, and its result as ``out_val``; returns FLOPs, symbolic if sizes are."""

_BY_NAME: Mapping[str, Formula] = {
    **attention.FORMULAS,
    **convolution.FORMULAS,
    **lookups.FORMULAS,
    **products.FORMULAS,
    **recurrent.FORMULAS,
    **torch_solves.FORMULAS,
}


@cache
def own_formulas() -> Mapping[Any, Formula]:
    """Return the formulas by op, as FlopCounterMode's ``custom_mapping`` takes them.

    Ops that this torch lacks are left out, and so are those that it has a right formula for.
    """
    import torch
    from torch.utils.flop_counter import flop_registry

    found = {op: _raw(formula) for op, formula in flex.flex_formulas().items()}
    for name, formula in _BY_NAME.items():
        op = getattr(torch.ops.aten, name, None)
        if op is not None and op not in flop_registry:
            found[op] = _raw(formula)
    return MappingProxyType({**found, **corrected_formulas()})


def corrected_formulas() -> dict[Any, Formula]:
    """Return formulas in place of some that torch has: they say more than the op does."""
    import torch

    corrections = torch_convolutions.CORRECTIONS.items()
    return {getattr(torch.ops.aten, name): _raw(formula) for name, formula in corrections}


def _raw(formula: Formula) -> Formula:
    """Mark a formula as one that takes tensors: FlopCounterMode passes others their shapes."""

    def counting(*args: Any, **kwargs: Any) -> Any:
        return formula(*args, **kwargs)

    counting._get_raw = True  # type: ignore[attr-defined]  # noqa: SLF001
    counting.__doc__ = formula.__doc__
    return counting
