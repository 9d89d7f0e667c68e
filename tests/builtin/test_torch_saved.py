"""What a forward keeps for its backward, against the storages that are really alive after it."""

import pytest
import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.checkpoint import checkpoint

from flopbench.builtin.torch_counter import TorchCounter
from flopbench.errors import CountError
from flopbench.training_step import TrainOptions
from flopbench.vendor import Convention, Saved, VendorCall, VendorCounter
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.tiny_configs import tiny


class Alive(TorchDispatchMode):
    """Knows which of the storages that ops made are alive, and their bytes."""

    def __init__(self):
        super().__init__()
        self.made = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        given = {t.untyped_storage()._cdata for t in _tensors((args, kwargs))}
        for tensor in _tensors(out):
            storage = tensor.untyped_storage()
            if storage._cdata not in given:
                self.made[storage._cdata] = StorageWeakRef(storage), storage.nbytes()
        return out

    def bytes_without(self, *tensors):
        apart = {t.untyped_storage()._cdata for t in tensors}
        return sum(
            size for key, (ref, size) in self.made.items() if key not in apart and not ref.expired()
        )


def _tensors(tree):
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def saved(root, run):
    return TorchCounter().saved(VendorCall(root, run))


def alive(run):
    with Alive() as mode:
        result = run()
    return mode.bytes_without(*_tensors(result))


def test_what_each_module_keeps_is_known_by_hand():
    root = nn.ModuleDict({"a": nn.Linear(4, 8, bias=False), "b": nn.Linear(8, 2, bias=False)})
    root.to("meta")
    x = torch.empty(3, 4, device="meta")
    found = saved(root, lambda: root.b(torch.relu(root.a(x))))
    # a keeps x; relu its result, which b keeps, too; b its weight, for the gradient of its input.
    assert found == Saved({"": 4 * 3 * 8}, weights=4 * 8 * 2, inputs=4 * 3 * 4)


def test_a_view_keeps_its_whole_storage_and_a_dead_branch_nothing():
    root = nn.Linear(4, 4, bias=False, device="meta")
    x = torch.empty(5, 4, device="meta")

    def run():
        y = root(x)
        torch.exp(y)  # leads nowhere
        return torch.exp(y)[:2] * y[:2]

    # exp keeps its result; the product keeps 2 rows of it and of y.
    assert saved(root, run) == Saved({"": 2 * 4 * 5 * 4}, inputs=4 * 5 * 4)


def test_recomputation_keeps_what_it_starts_from():
    root = nn.ModuleList([nn.Linear(4, 4, bias=False, device="meta") for _ in range(3)])
    x = torch.empty(5, 4, device="meta", requires_grad=True)

    def part(x):
        return torch.exp(root[1](torch.exp(root[0](x))))

    plain = saved(root, lambda: root[2](part(x)))
    repeated = saved(root, lambda: root[2](checkpoint(part, x, use_reentrant=False)))
    assert plain == Saved({"": 2 * 4 * 5 * 4}, weights=3 * 4 * 4 * 4, inputs=4 * 5 * 4)
    assert repeated == Saved({"2": 4 * 5 * 4}, weights=4 * 4 * 4, inputs=4 * 5 * 4)


@pytest.mark.parametrize("kind", ["llama", "mixtral", "deepseek_v3", "gemma2"])
def test_it_is_what_is_alive_after_the_forward_of_a_language_model(kind):
    vendor = HfVendor.from_options(tiny(kind), HfVendor.options_type())
    workload = Workload(batch_size=2, context_tokens=9)
    call = vendor.training({"prefill": workload}, TrainOptions()).prepare(1)
    found = TorchCounter().saved(call)
    assert sum(found.by_module.values()) == alive(call.run) > 0
    assert found.inputs == 2 * 9 * 8  # the token ids

    call = vendor.training({"prefill": workload}, TrainOptions(recompute="full")).prepare(1)
    kept = TorchCounter().saved(call).by_module
    hidden = 4 * 2 * 9 * 32
    layers = {path: n for path, n in kept.items() if path.startswith("model.layers.")}
    assert layers == {f"model.layers.{n}": hidden for n in range(2)}


class Other(VendorCounter):
    name = "other"
    convention = Convention(unit="FLOP", sees=frozenset())

    def count(self, call):
        raise NotImplementedError


def test_a_counter_that_does_not_tell_says_so():
    root = nn.Linear(4, 4)
    with pytest.raises(CountError, match=r"does not tell what a training step keeps: the torch"):
        Other().saved(VendorCall(root, lambda: None))


def test_a_call_that_fails_is_told():
    root = nn.Linear(4, 4)
    with pytest.raises(CountError, match="the vendor call failed"):
        saved(root, lambda: root(torch.empty(3, 5)))
