"""A count leaves the module as it was."""

import copy
from collections import deque
from functools import lru_cache
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef

import flopbench
from flopbench.errors import CountError


class Untidy(nn.Module):
    """Sets and changes what it can reach while it runs."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.norm = nn.BatchNorm1d(4)
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self.last = None
        self.seen = []
        self.states = {"a": 1}
        self.chosen = {1}
        self.plain = torch.ones(4)

    def forward(self, x):
        y = self.norm(self.layer(x)) + self.plain
        self.steps += 1
        self.plain += 1
        self.last, self.new = y, y
        self.seen.append(y)
        self.states["a"] = y
        self.chosen.add(2)
        self.layer.extra = y
        self.register_buffer("late", y.detach())
        return y


def everything(module):
    """Return all that can be seen of a module, by identity and by value."""
    return {
        name: (
            type(each),
            each.training,
            {k: id(v) for k, v in vars(each).items()},
            {k: (id(v), v._version, v.grad) for k, v in each.named_parameters(recurse=False)},
            {k: (id(v), v._version, v.clone()) for k, v in each.named_buffers(recurse=False)},
            list(each._forward_hooks.values()),
        )
        for name, each in module.named_modules()
    }


def flat(value):
    if isinstance(value, dict):
        return [item for pair in value.items() for part in pair for item in flat(part)]
    if isinstance(value, tuple | list):
        return [item for part in value for item in flat(part)]
    return [value.tolist() if isinstance(value, torch.Tensor) else value]


@pytest.fixture
def module():
    torch.manual_seed(0)
    return Untidy()


@pytest.mark.parametrize("options", [{}, {"backward": True}, {"dtype": "float64"}])
def test_nothing_of_a_module_changes(module, options):
    before, values = flat(everything(module)), copy.deepcopy(module.state_dict())
    containers = list(module.seen), dict(module.states), set(module.chosen), module.plain.tolist()
    found = flopbench.count(module, torch.empty(3, 4), **options)
    assert found.by_phase["forward"] == 2 * 3 * 16
    assert flat(everything(module)) == before
    assert (module.seen, module.states, module.chosen, module.plain.tolist()) == containers
    assert not hasattr(module, "new")
    assert module.state_dict().keys() == values.keys()
    assert all(torch.equal(module.state_dict()[name], value) for name, value in values.items())


def test_containers_that_a_call_changes_are_named(module):
    found = flopbench.count(module, torch.empty(3, 4))
    (note,) = found.notes
    assert note == "the call changes seen, states, chosen, which was put back"


def test_nothing_changes_if_the_call_fails(module):
    before = flat(everything(module))
    with pytest.raises(CountError):
        flopbench.count(module, torch.empty(3, 5))
    assert flat(everything(module)) == before


@pytest.mark.parametrize("training", [True, False])
def test_mode_hooks_and_graph_stay(training):
    net = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)).train(training)
    calls = []
    handle = net[0].register_forward_hook(lambda *_: calls.append(1))
    loss = net(torch.ones(2, 4)).sum()
    calls.clear()
    flopbench.count(net, torch.empty(3, 4), backward=True)
    assert net.training is training
    assert list(net[0]._forward_hooks) == [handle.id]
    assert calls == [1]
    loss.backward()  # the graph of an earlier call is whole
    assert net[0].weight.grad.device.type == "cpu"


def test_arguments_stay(module):
    x = torch.ones(3, 4, requires_grad=True)
    given = {"x": x, "more": [torch.ones(2)]}

    def call(x, more):
        more.append(x)
        return module(x * 2)

    flopbench.count(call, backward=False, **given)
    assert x.grad is None
    assert given["more"][0].tolist() == [1, 1]
    assert len(given["more"]) == 1


class Cache:
    def __init__(self):
        self.keys, self.length, self.parts = [], 0, {}

    def update(self, x):
        self.keys.append(x)
        self.parts["last"] = x
        self.length += x.shape[0]
        self.new = x


@pytest.mark.parametrize("filled", [False, True])
def test_objects_that_a_call_changes_are_put_back(filled):
    cache, seen = Cache(), []
    if filled:
        cache.update(torch.ones(2, 4))
    keys, parts, attributes = list(cache.keys), dict(cache.parts), dict(vars(cache))
    net = nn.Linear(4, 4)

    def step(x, cache):
        cache.update(net(x))
        seen.append(x)
        return cache.keys[0] @ torch.ones(4, 4)

    rows = 2 if filled else 3
    assert flopbench.count(step, torch.ones(3, 4), cache).flops == 2 * 16 * (3 + rows)
    assert seen == []
    assert all(value is vars(cache)[name] for name, value in attributes.items())
    assert [id(key) for key in cache.keys] == [id(key) for key in keys]
    assert {name: id(part) for name, part in cache.parts.items()} == {
        name: id(part) for name, part in parts.items()
    }
    assert vars(cache).keys() == attributes.keys()


@lru_cache
def angles(length):
    return torch.arange(length).float()


TABLE: dict[int, torch.Tensor] = {}
TOTAL = 0


class Wide(nn.Module):
    """Changes what no attribute of its own holds."""

    shared: ClassVar[list[torch.Tensor]] = []

    def __init__(self):
        super().__init__()
        self.counts, self.recent = np.zeros(3), deque([1], maxlen=4)
        self.state = Slotted()

    def forward(self, x):
        global TOTAL  # noqa: PLW0603 - what a program may do
        TOTAL = TOTAL + x.sum().detach()
        self.shared.append(x)
        self.counts[0] += 1
        self.recent.append(x)
        self.state.last = x
        TABLE.setdefault(x.shape[0], x)
        torch.set_default_dtype(torch.float64)
        return x * angles(x.shape[-1])


class Slotted:
    __slots__ = ("last",)

    def __init__(self):
        self.last = None


def test_globals_caches_arrays_and_settings_are_put_back():
    module, x = Wide(), torch.ones(3, 4)
    found = flopbench.count(module, x)
    assert (TOTAL, TABLE, Wide.shared, list(module.recent)) == (0, {}, [], [1])
    assert module.counts.tolist() == [0, 0, 0]
    assert module.state.last is None
    assert torch.get_default_dtype() is torch.float32
    (note,) = found.notes
    assert all(name in note for name in ("Wide.shared", "counts", "recent"))
    assert angles(4).device.type == "cpu"
    try:
        assert module(x).tolist() == (x * torch.arange(4)).tolist()
    finally:
        torch.set_default_dtype(torch.float32)


def test_an_object_that_refuses_to_be_written_stops_nothing():
    from transformers.modeling_outputs import BaseModelOutput

    class Holder(nn.Module):
        def __init__(self):
            super().__init__()
            self.out, self.calls = BaseModelOutput(last_hidden_state=torch.ones(2)), 1

        def forward(self, x):
            self.calls += 1
            self.out["last_hidden_state"] = x
            return x

    module = Holder()
    flopbench.count(module, torch.ones(3, 4))
    assert module.calls == 1
    assert module.out.last_hidden_state.tolist() == [1, 1]
    assert module.out["last_hidden_state"].tolist() == [1, 1]


class Refusing:
    cache_clear = None

    def cache_info(self):
        return None

    def __getattr__(self, name):
        raise RuntimeError(name)


def test_an_object_that_refuses_to_be_read_stops_nothing():
    refusing = Refusing()
    found = flopbench.count(lambda x: (x @ x.mT, refusing)[0], torch.ones(3, 4))
    assert found.flops == 2 * 3 * 3 * 4


def test_a_real_run_frees_what_the_program_frees():
    made, alive = [], []

    def chain(x):
        for _ in range(6):
            x = x + 1
            made.append(StorageWeakRef(x.untyped_storage()))
        alive.append(sum(not each.expired() for each in made))
        return x

    assert flopbench.count(chain, torch.zeros(5), run=True).peak_activation_bytes == 2 * 5 * 4
    assert alive == [1]


def test_a_lazy_module_stays_lazy():
    layer = nn.LazyLinear(7)
    assert flopbench.count(layer, torch.empty(5, 3)).flops == 2 * 5 * 3 * 7
    assert type(layer) is nn.LazyLinear
    assert layer.has_uninitialized_params()


def test_settings_of_torch_stay():
    before = torch.backends.mha.get_fastpath_enabled(), torch.is_grad_enabled()
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, batch_first=True), 1).eval()
    found = flopbench.count(encoder, torch.empty(2, 3, 8))
    assert (torch.backends.mha.get_fastpath_enabled(), torch.is_grad_enabled()) == before
    assert "without its fast path" in found.notes[0]


def test_no_memory_is_taken_for_results():
    # 4 TB if it ran.
    found = flopbench.count(lambda x: x @ x, torch.empty(10**6, 10**6, device="meta"))
    assert found.flops == 2 * 10**18
