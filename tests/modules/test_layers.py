"""Equal layers are traced once, and only equal ones; every layer is counted."""

import pytest
import torch
from torch import nn

import flopbench


class Layer(nn.Module):
    def __init__(self, index, width=8):
        super().__init__()
        self.index = index
        self.up, self.down = nn.Linear(8, width), nn.Linear(width, 8)

    def forward(self, x):
        return x + self.down(self.up(x).relu())


class Net(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class Branching(Layer):
    """Tells its place apart by what no shape shows."""

    def forward(self, x):
        x = super().forward(x)
        return self.up(x)[..., :8] + x if self.index == 5 else x


def law_of(net, **options):
    net = net.to("meta")
    return flopbench.law(net, lambda B, S: torch.empty(B, S, 8), {"B": 2, "S": 3}, **options)


def stood_for(law):
    return [text for text in law.assumptions if "stands for" in text]


def test_equal_layers_are_traced_once():
    net = Net(Layer(i) for i in range(9))
    law, every = law_of(net), law_of(net, every_layer=True)
    assert law == every
    assert law.by_module == every.by_module
    assert law(B=1, S=1) == 9 * 2 * 2 * 64
    (said,) = stood_for(law)
    # All have the width 8, which is no index in layer 8.
    assert said.startswith("layers.0 stands for 8 more layers, layers.1 to layers.8: ")
    assert said.endswith("counted at B=4, S=6; B=194, S=291")
    assert stood_for(every) == []


def with_another_width():
    return Net(Layer(i, 16 if i == 5 else 12) for i in range(7))


def with_another_class():
    class Other(Layer):
        def forward(self, x):
            return super().forward(x) + self.up(x).sum(-1, keepdim=True)

    return Net((Other if i == 5 else Layer)(i, 12) for i in range(7))


def with_a_hook():
    net = Net(Layer(i, 12) for i in range(7))
    net.layers[5].register_forward_hook(lambda _m, args, out: out + args[0] @ torch.ones(8, 8))
    return net


def with_a_branch_on_its_index():
    return Net(Branching(i, 12) for i in range(7))


def with_a_frozen_attribute():
    net = Net(Layer(i, 12) for i in range(7))
    net.layers[5].down.forward = lambda x: net.layers[4].down(net.layers[4].up(x[..., :8]))
    return net


@pytest.mark.parametrize(
    "make",
    [
        with_another_width,
        with_another_class,
        with_a_hook,
        with_a_branch_on_its_index,
        with_a_frozen_attribute,
    ],
)
def test_a_fifth_layer_that_differs_is_not_taken_as_equal(make):
    net = make()
    law, every = law_of(net), law_of(net, every_layer=True)
    assert law.by_module == every.by_module
    assert len(stood_for(law)) == 1
    x = torch.empty(5, 7, 8, device="meta")
    assert law(B=5, S=7) == flopbench.count(net.to("meta"), x).flops
    assert not any("layers.5 " in text for text in stood_for(law))


def test_layers_with_other_inputs_are_traced_apart():
    class Halving(Net):
        def forward(self, x):
            for i, layer in enumerate(self.layers):
                x = layer(x[:, : 1 + x.shape[1] // 2] if i == 3 else x)
            return x

    net = Halving(Layer(i, 12) for i in range(6))
    law, every = law_of(net), law_of(net, every_layer=True)
    assert law == every
    assert len(stood_for(law)) == 2


def test_a_result_that_is_an_input_stays_one():
    class Passing(Layer):
        def forward(self, x, state):
            return super().forward(x), state

    class Stateful(Net):
        def forward(self, x):
            state = x * 2
            for layer in self.layers:
                x, state = layer(x, state)
            return x @ state.mT

    net = Stateful(Passing(i, 12) for i in range(4))
    law = law_of(net)
    assert law == law_of(net, every_layer=True)
    assert stood_for(law)


@pytest.mark.slow
def test_a_branch_on_length_and_index_is_found_far_from_the_example():
    class Windowed(Layer):
        def forward(self, x):
            x = super().forward(x)
            if self.index == 0 or x.shape[1] <= 64:
                return (x @ x.mT) @ x
            return x

    net = Net(Windowed(i, 12) for i in range(7))
    law, every = law_of(net), law_of(net, every_layer=True)
    # Layer 0 never asks how long the input is, and so cannot stand for those that do.
    assert "layers.0" not in law.stood_for.values()
    assert law == every
    assert [str(guard) for guard in law.guards] == ["S <= 64"]
    x = torch.empty(1, 50, 8, device="meta")
    assert law(B=1, S=50) == flopbench.count(net, x).flops


def test_laws_that_hold_for_other_sizes_are_not_equal():
    def doubling(x):
        return x @ torch.ones(4, 4) if x.shape[0] < 50 else x @ torch.ones(4, 8)

    def plain(x):
        return x @ torch.ones(4, 4)

    laws = [flopbench.law(f, lambda B: torch.empty(B, 4), {"B": 3}) for f in (doubling, plain)]
    assert laws[0].expression == laws[1].expression
    assert laws[0] != laws[1]
