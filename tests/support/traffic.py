"""The elements that a model's ops move, as priced and as the dispatcher sees them.

The models run in float32, in which nothing is converted on the way.
"""

from collections import Counter

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

FLOAT32 = 4


def elements(tensor):
    """Count the distinct elements of a tensor: an expanded axis repeats none."""
    count = 1
    for size, stride in zip(tensor.shape, tensor.stride(), strict=True):
        count *= size if stride else 1
    return count


VIEWS = {
    "aten.alias", "aten.as_strided", "aten.detach", "aten.empty", "aten.expand", "aten.permute",
    "aten.select", "aten.slice", "aten.split", "aten.split_with_sizes", "aten.squeeze", "aten.t",
    "aten.transpose",
    "aten.unbind", "aten.unsqueeze", "aten.view", "aten._unsafe_view",
}  # fmt: skip
"""Nothing moves."""


class Traffic(TorchDispatchMode):
    """Sums, by op, the elements of weights and activations read, and those written.

    Operands that are parameters, or views of them, are weights. Products and sums of fewer
    dimensions than ``least_dims`` are left out.
    """

    def __init__(self, model, least_dims=0):
        super().__init__()
        self.parameters = {p.untyped_storage()._cdata for p in model.parameters()}
        self.least_dims = least_dims
        self.seen = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        name = str(func.overloadpacket)
        results = [t for t in tree_leaves(out) if _is_float(t)]
        # SAM's relative coordinates are two-dimensional, activations of the tower are not.
        coordinates = (
            name in ("aten.mul", "aten.add")
            and results[:1]
            and (results[0].dim() < self.least_dims)
        )
        if results and name not in VIEWS and not coordinates:
            for tensor in filter(_is_float, tree_leaves(args)):
                weight = tensor.untyped_storage()._cdata in self.parameters
                self.seen[name, "weights" if weight else "read"] += elements(tensor)
            for tensor in results:
                self.seen[name, "written"] += elements(tensor)
        return out

    def ops(self):
        return {name for name, _ in self.seen}

    def of(self, *names):
        return tuple(
            sum(self.seen[f"aten.{name}", what] for name in names)
            for what in ("weights", "read", "written")
        )


def _is_float(value):
    return isinstance(value, torch.Tensor) and value.is_floating_point()


class Moved:
    """Elements that a stage is priced to move: (weights, read, written) by kind of op."""

    def __init__(self, price):
        self.lines = price.lines

    def of(self, *kinds):
        costs = [line.cost for line in self.lines if line.kind in kinds]
        moved = (
            sum(c.weight_bytes_read for c in costs),
            sum(c.activation_bytes_read + c.kv_cache_bytes_read for c in costs),
            sum(c.activation_bytes_written for c in costs),
        )
        return tuple(n // FLOAT32 for n in moved)


def plus(*triples):
    return tuple(map(sum, zip(*triples, strict=True)))
