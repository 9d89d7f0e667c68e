"""The largest tensors that a real call makes, as the dispatcher sees them: no analytic side."""

from contextlib import contextmanager

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

COPIES = {"aten._to_copy", "aten.cat", "aten.clone", "aten.index"}
"""What copies weights: a cast, or those of the experts that tokens chose."""


class Largest(TorchDispatchMode):
    """Keeps what each op makes, but not views, what it changes in place, and copies of weights.

    Attributes:
        made: (bytes, elements, shape, dtype, op, module) of each tensor of floating numbers.
    """

    def __init__(self, root):
        super().__init__()
        held = (*root.parameters(), *root.buffers())
        self._weights = {tensor.untyped_storage()._cdata for tensor in held}
        self._names = {module: name for name, module in root.named_modules()}
        self._modules = [""]
        self.made, self._kept = [], []

    def __torch_dispatch__(self, op, _types, args=(), kwargs=None):
        result = op(*args, **(kwargs or {}))
        if op.is_view:
            return result
        given = [x for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
        made = [x for x in tree_leaves(result) if isinstance(x, torch.Tensor)]
        numbers = [x.untyped_storage()._cdata for x in given if x.is_floating_point()]
        copies = str(op.overloadpacket) in COPIES
        if copies and numbers and self._weights.issuperset(numbers):
            self._weights.update(x.untyped_storage()._cdata for x in made)
            self._kept += made  # so that no other gets its storage's number
            return result
        for x in made:
            if all(x is not other for other in given) and x.is_floating_point():
                size = x.numel() * x.element_size()
                name = str(op.overloadpacket).removeprefix("aten.")
                self.made.append(
                    (size, x.numel(), tuple(x.shape), x.dtype, name, self._modules[-1])
                )
        return result

    @contextmanager
    def following(self):
        """Know which module runs."""
        before = torch.nn.modules.module.register_module_forward_pre_hook(
            lambda module, _given: self._modules.append(self._names.get(module, self._modules[-1]))
        )
        after = torch.nn.modules.module.register_module_forward_hook(
            lambda _module, _given, _made: self._modules.pop() and None
        )
        try:
            yield
        finally:
            before.remove()
            after.remove()


def made_by(call):
    """Return what a call makes, the largest first."""
    seen = Largest(call.root)
    with seen.following(), seen, torch.no_grad():
        call.run()
    return sorted(seen.made, key=lambda each: each[0], reverse=True)


@contextmanager
def default_dtype(dtype):
    """Build models in a dtype."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
