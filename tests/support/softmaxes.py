"""The types of attention's probabilities: those of the real call, and those of the closed forms."""

from collections import Counter

import torch

from flopbench.ops import Attention
from support.largest import Largest, default_dtype


class Softmaxes(Largest):
    """Keeps what each softmax makes, and the module that runs it."""

    def __torch_dispatch__(self, op, _types, args=(), kwargs=None):
        result = op(*args, **(kwargs or {}))
        if op.overloadpacket in {torch.ops.aten._softmax, torch.ops.aten._safe_softmax}:
            self.made.append((self._modules[-1], str(result.dtype), result.numel()))
        return result


def priced(model, stage, workload):
    """Return the elements of probabilities by component and type; None is that of activations."""
    found = Counter()
    for op in model.ops(stage, workload):
        if isinstance(op, Attention):
            columns = op.last_keys + op.sinks
            elements = op.layers * op.batch * op.heads * op.queries * columns
            found[op.component, op.softmax_dtype] += int(elements)
    return found


def ran(vendor, stage, workload, components):
    """Return the same of the real model in bfloat16, in the components that have attention."""
    with default_dtype(torch.bfloat16):
        call = vendor.stage(stage, workload).prepare(1)
        seen = Softmaxes(call.root)
        with seen.following(), seen, torch.no_grad():
            call.run()
    found = Counter()
    for module, dtype, elements in seen.made:
        if (component := vendor.component_of(module, "bmm")) in components:
            name = dtype.removeprefix("torch.")
            found[component, None if name == "bfloat16" else name] += elements
    return found


def assert_same(model, vendor, stage, workload):
    """Assert that both have as many elements of each type, and some."""
    ours = priced(model, stage, workload)
    assert ours
    assert ran(vendor, stage, workload, {component for component, _ in ours}) == ours
