"""Points of an interpolation: equal layers are run once, as long as counts of every layer agree."""

import pytest
import torch

from flopbench import Count, Counted
from flopbench.laws.counted_points import CountedPoints, LayersDifferError
from flopbench.laws.vendor_law import vendor_law
from flopbench.vendor import SymbolicCounter
from laws.test_equal_layers import reading, subject_of

SAID = "layers that are equal but for their index were run once in counts at"


def bind(layers):
    """Let the program ask for the batch as a number, which ends a trace."""
    layers[0].register_forward_hook(lambda _layer, args, _out: [*range(args[0].shape[0])] and None)


def with_a_fifth_that_differs(layers):
    """Let a layer that nothing tells apart but its index work twice."""
    bind(layers)
    reading(layers).places = (4,)


def said(law):
    return [text for text in law.assumptions if text.startswith(SAID)]


def test_an_interpolated_law_is_that_of_every_layer_and_tells_where_they_were_counted():
    law, every = (vendor_law(subject_of(bind, every_layer=each)) for each in (False, True))
    assert law.method == every.method == "interpolated"
    assert law.forms == every.forms
    (text,) = said(law)
    assert text.endswith(" and each module of each layer was counted at B=1; B=4")
    assert said(every) == []


def test_a_layer_that_only_a_count_tells_apart_ends_in_counts_of_every_layer():
    law, every = (
        vendor_law(subject_of(with_a_fifth_that_differs, every_layer=each))
        for each in (False, True)
    )
    assert law.forms == every.forms
    assert said(law) == []


class Pretending(SymbolicCounter):
    """Takes layers as equal, and is wrong from some size on."""

    name = "pretending"

    def __init__(self, wrong_from, *, once=False):
        self.wrong_from, self.once = wrong_from, once

    def with_equal_layers_once(self, apart=frozenset()):
        return Pretending(self.wrong_from, once=True)

    def count(self, call):
        more = 1 if self.once and call >= self.wrong_from else 0
        return Count((Counted("layer", "mm", call + more),), ())

    def trace(self, prepare, symbols):
        raise NotImplementedError


def counted(points, counter, size):
    ran = []

    def run(one):
        ran.append(one.once)
        return one.count(size)

    assert points.count(counter, run, {"n": size}).counted[0].flops == size
    return ran


def test_points_that_grow_a_few_times_are_counted_with_every_layer():
    points, counter = CountedPoints(), Pretending(10**9)
    sizes = (1, 2, 3, 4, 15, 16, 17, 5, 1000, 3999)
    held = [size for size in sizes if counted(points, counter, size) == [True, False]]
    assert held == [1, 4, 16, 1000]
    where = "n=1; n=4; n=1000; and 1 more"
    text = f"{SAID} 10 points, and each module of each layer was counted at {where}"
    assert [*points.texts()] == [text]


def test_each_size_that_grows_is_followed():
    points, counter, ran = CountedPoints(), Pretending(10**9), []
    for sizes in ({"B": 100, "n": 1}, {"B": 1, "n": 3}, {"B": 1, "n": 4}, {"B": 399, "n": 15}):
        ran.clear()
        points.count(counter, lambda one: ran.append(one.once) or one.count(1), sizes)
        assert ran == ([True, False] if sizes["n"] in (1, 4) else [True])


class Leaving(torch.nn.Module):
    """An MLP that leaves its result to who takes it."""

    def __init__(self, inner):
        super().__init__()
        self.inner, self.left = inner, None

    def forward(self, x):
        self.left = self.inner(x)
        return self.left


def needing_all(every_layer):
    """Return a Llama whose head takes what each MLP has left."""
    subject = subject_of(bind, every_layer=every_layer)
    model = subject.vendor.plugin._real.module

    def take(*_):
        for layer in model.model.layers:
            assert layer.mlp.left is not None
            layer.mlp.left = None

    for layer in model.model.layers:
        layer.mlp = Leaving(layer.mlp)
    model.lm_head.register_forward_hook(take)
    return subject


def test_a_call_that_fails_for_want_of_a_layer_is_counted_with_every_layer():
    law, every = (vendor_law(needing_all(each)) for each in (False, True))
    assert law.forms == every.forms
    assert said(law) == []


@pytest.mark.parametrize("size", [1, 4, 64])
def test_a_count_that_differs_is_never_taken(size):
    points, counter = CountedPoints(), Pretending(size)
    for smaller in (1, 4, 16):
        if smaller < size:
            counted(points, counter, smaller)
    with pytest.raises(LayersDifferError):
        points.count(counter, lambda one: one.count(size), {"n": size})


def test_every_layer_is_counted_where_that_is_asked():
    points = CountedPoints(every_layer=True)
    assert counted(points, Pretending(1), 7) == [False]
    assert not points.took_layers_as_equal
    assert [*points.texts()] == []
