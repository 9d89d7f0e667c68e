"""The independent list: which dispatched ops do matrix work, judged by what ATen says of them.

An op contracts unless something says that it does not: a tag of torch, its schema, or the lists
written by hand in `modules.aten_classes` and `modules.aten_products`. So an op that nobody has
heard of counts as a contraction, and can be no silent miss. `modules.probe` then checks the lists
on real numbers. Nothing here knows how flopbench decides.
"""

from collections import Counter

import torch
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from modules.aten_classes import FREE
from modules.aten_products import FACTORS, FUSED, TRANSFORMS, WEIGHTED

_FREE = frozenset().union(*FREE.values(), *FUSED.values())
_TINY = 40
_COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd


def base_name(func):
    """Return the name of an op, without its overload and without the mark of "in place"."""
    name = func._schema.name.partition("::")[2]
    return name if name.startswith("__") else name.rstrip("_")


def kind(func, kwargs=None, args=()):
    """Return what matrix work an op does: product, transform, factors, or nothing at all."""
    if not isinstance(func, OpOverload):
        return "product"
    if _plain(func):
        return ""
    name = base_name(func)
    if func.namespace != "aten":
        return "product"
    if name in WEIGHTED:
        return "product" if _weighted(func, args, kwargs or {}) else ""
    if name in _FREE:
        return ""
    return "transform" if name in TRANSFORMS else "factors" if name in FACTORS else "product"


def _plain(func):
    """Whether torch itself says that an op has nothing to multiply and sum."""
    return func.is_view or not _reads_tensors(func) or not _writes(func) or _pointwise(func)


def _pointwise(func):
    """Whether an overload of the op is tagged so: in place and out, not all of them are."""
    packet = getattr(getattr(torch.ops, func.namespace), base_name(func), None)
    overloads = (
        [func, *(getattr(packet, name) for name in packet.overloads())] if packet else [func]
    )
    return any(torch.Tag.pointwise in each.tags for each in overloads)


def _reads_tensors(func):
    return any("Tensor" in str(each.type) and not each.is_out for each in func._schema.arguments)


def _writes(func):
    returned = any("Tensor" in str(each.type) for each in func._schema.returns)
    return returned or func._schema.is_mutable


def _weighted(func, args, kwargs):
    names = [each.name for each in func._schema.arguments]
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    return given.get("per_sample_weights") is not None


def op_name(func):
    """Return the name of an op as torch shows it, without its overload."""
    return str(getattr(func, "overloadpacket", func))


def _composite(func):
    known = isinstance(func, OpOverload) and func.namespace != "prim"
    return known and func.has_kernel_for_dispatch_key(_COMPOSITE)


class Contractions(TorchDispatchMode):
    """Lists the ops of a run that do matrix work.

    Attributes:
        found: How many calls of each, by name and kind.
        calls: A small call of every op: its size and its arguments. Very small ones say little
            about the op: a product of one row and one column of 1 element sums nothing.
    """

    supports_higher_order_operators = True

    def __init__(self):
        super().__init__()
        self.found = Counter()
        self.calls = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if _composite(func):
            with self:  # under inference_mode, torch leaves it whole
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        what = kind(func, kwargs, args)
        if what:
            self.found[op_name(func), what] += 1
        self._keep(func, args, kwargs)
        return func(*args, **kwargs)

    def _keep(self, func, args, kwargs):
        sizes = [each.numel() for each in tensors((args, kwargs))]
        if not all(sizes):
            return
        size = (sum(sizes) < _TINY, sum(sizes))
        if func not in self.calls or size < self.calls[func][0]:
            copied = torch.utils._pytree.tree_map_only(torch.Tensor, _copy, (args, kwargs))
            self.calls[func] = (size, *copied)


def tensors(tree):
    """Return the tensors within arguments."""
    return [e for e in torch.utils._pytree.tree_leaves(tree) if isinstance(e, torch.Tensor)]


def _copy(tensor):
    with torch.utils._python_dispatch._disable_current_modes():
        return tensor.detach().clone() if type(tensor) is torch.Tensor else tensor.detach()
