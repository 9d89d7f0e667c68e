"""What the dispatcher sees of a real model: the elements that each op works on."""

from collections import Counter
from contextlib import ExitStack

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.conventions import ENTRIES, Conventions

_BITS = 64
_DIGITS = Conventions(**{entry: 1 << _BITS * place for place, entry in enumerate(ENTRIES)})
"""FLOPs per element of which a sum has the elements of each entry as a digit of its own."""


class Elements(TorchDispatchMode):
    """Sums the elements that each op works on, of ops on activations.

    ``aten.topk`` and ``aten.max`` are also seen as ``compared``, by the scores that they
    compare, ``aten.sum`` as ``summed``, by its additions, and ``aten.convolution`` as ``biased``,
    by the outputs to which it adds a bias. A product of complex numbers is 4 products and 2 sums,
    one with a real number is 2 products; ``aten.polar`` is a cosine and a sine.
    """

    def __init__(self):
        super().__init__()
        self.elements = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        name = str(func.overloadpacket)
        first = out[0] if isinstance(out, tuple | list) else out
        if isinstance(first, torch.Tensor) and first.is_complex():
            self._see_complex(name, first, args)
        elif isinstance(first, torch.Tensor) and first.is_floating_point():
            self.elements[name, first.dim()] += first.numel()
            if name in {"aten.topk", "aten.max"}:
                self.elements["compared", 0] += args[0].numel()
            if name == "aten.sum":
                self.elements["summed", 0] += args[0].numel() - first.numel()
            if name == "aten.convolution" and args[2] is not None:
                self.elements["biased", 0] += first.numel()
        return out

    def _see_complex(self, name, out, args):
        runs = {name: 1}
        if name == "aten.polar":
            runs = {"aten.cos": 1, "aten.sin": 1}
        elif name == "aten.mul":
            both = all(isinstance(each, torch.Tensor) and each.is_complex() for each in args)
            runs = {"aten.mul": 4, "aten.add": 2} if both else {"aten.mul": 2}
        for op, times in runs.items():
            self.elements[op, out.dim()] += times * out.numel()

    def of(self, name, dims=range(9)):
        return sum(n for (op, dim), n in self.elements.items() if op == name and dim in dims)

    def total(self):
        """Return the elements by op."""
        found = Counter()
        for (op, _dims), count in self.elements.items():
            found[op] += count
        return found


def seen(vendor, stage, workload):
    """Return what the first step of a stage dispatches."""
    elements = Elements()
    run(vendor.stage(stage, workload).prepare(1), elements)
    return elements


def run(call, *modes):
    """Run a vendor call under dispatch modes."""
    with torch.no_grad(), ExitStack() as stack:
        for mode in modes:
            stack.enter_context(mode)
        call.run()


def priced_by_entry(model, stage, workload):
    """Return the elements that are priced by each entry of the convention."""
    total = price(model.ops(stage, workload), Eager(), Eager(), _DIGITS).cost.vector_flops
    digits = [total >> _BITS * place & (1 << _BITS) - 1 for place in range(len(ENTRIES))]
    return dict(zip(ENTRIES, digits, strict=True))


def priced_elements(model, stage, workload, entry):
    """Return the elements that are priced by one entry of the convention."""
    return priced_by_entry(model, stage, workload)[entry]
