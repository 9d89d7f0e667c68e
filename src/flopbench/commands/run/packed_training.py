"""What a reader must know of a training step whose trained weights are stored in few bits."""

from __future__ import annotations

from collections.abc import Iterator

from flopbench.analytic.trained import TrainedModel
from flopbench.ops import PricedOp
from flopbench.plan import Plan
from flopbench.storage import DTYPE_BITS, Packed, Plain, Scheme
from flopbench.text import listed
from flopbench.training.frozen import Trained

_FEW = 8
"""Bits of a weight that is stored in few."""


def packed_training(plan: Plan) -> Iterator[str]:
    """Yield notes on trained weights that are stored as codes, and on those in 8-bit floats."""
    model = plan.model.plugin
    if not isinstance(model, TrainedModel) or model.no_closed_forms is not None:
        return
    ops = [step.op for step in model.steps(plan.workload)]
    trains = Trained.of(ops, model.train)
    trained = (op for op in ops if isinstance(op, PricedOp) and op.matrices() and trains(op))
    schemes = {s.name: s for s in (op.stored_as(plan.pricer.storage) for op in trained) if _few(s)}
    floats = sorted(name for name, scheme in schemes.items() if _is_float8(scheme))
    codes = sorted(schemes.keys() - set(floats))
    if codes:
        yield (
            f"weights stored as {listed(codes, 'and')} take no gradient: the step is priced as if "
            "they did; train adapters (train.lora), or store weights in a dtype such as bfloat16 "
            "(dtypes.weights)"
        )
    if floats:
        yield (
            f"weights stored as {listed(floats, 'and')} are updated in few bits; training in fp8 "
            "usually keeps weights of more bits besides (train.master_weights=true)"
        )


def _few(scheme: Scheme) -> bool:
    if isinstance(scheme, Plain):
        return DTYPE_BITS[scheme.dtype] <= _FEW
    return isinstance(scheme, Packed)


def _is_float8(scheme: Scheme) -> bool:
    return "float8" in {scheme.compute, scheme.name}
