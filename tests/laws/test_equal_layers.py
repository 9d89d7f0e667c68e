"""Layers that are equal are traced once, and a layer that differs from its siblings is found."""

import copy

import pytest
import torch

from flopbench import SymbolicCounter
from flopbench.laws.law import Subject
from flopbench.laws.opened import opened
from flopbench.laws.vendor_law import vendor_law
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.lm_helpers import COUNTER, small_config

LAYERS = 6
FIFTH = "model.layers.4"


def subject_of(plant=lambda _layers: None, stage="prefill", **options):
    """Return a Llama of six layers with a plant in it, and the batch as its open size."""
    config = small_config("llama", num_hidden_layers=LAYERS, head_dim=16)
    vendor = HfVendor(config)
    plant(vendor._real.module.model.layers)
    return Subject(
        vendor=vendor,
        counter=options.pop("counter", COUNTER),
        model=HfModel(config),
        stage=stage,
        workload=Workload(batch_size=2, context_tokens=9, decode_steps=3),
        open_sizes=tuple(size for size in HfModel.sizes if size.name == "B"),
        **options,
    )


def sentences(law):
    return [text for text in law.assumptions if "stands for" in text]


def twice(module, *args, **kwargs):
    return type(module).forward(module, *args, **kwargs) @ torch.empty(64, 64, device="meta")


class Reading(torch.nn.Module):
    """An MLP that works twice if its config says so, of it or of its place."""

    def __init__(self, inner, config, place):
        super().__init__()
        self.inner, self.config, self.place = inner, config, place

    def forward(self, x):
        found = self.inner(x)
        again = self.config.again is True or self.place in self.config.places
        return self.inner(found) if again else found


def reading(layers, **fifth):
    plain = type("Config", (), {"again": False, "places": ()})()
    for place, layer in enumerate(layers):
        config = copy.copy(plain) if place == 4 and fifth else plain
        layer.mlp = Reading(layer.mlp, config, place)
    return layers[4].mlp.config


def another_width(layers):
    mlp = layers[4].mlp
    mlp.gate_proj, mlp.up_proj = (torch.nn.Linear(64, 40, device="meta") for _ in range(2))
    mlp.down_proj = torch.nn.Linear(40, 64, device="meta")


def another_class(layers):
    kind = type(layers[4])
    layers[4].__class__ = type(
        "Other", (kind,), {"forward": lambda self, x, **kw: kind.forward(self, x, **kw) @ x.mT @ x}
    )


def a_hook(layers):
    layers[4].mlp.register_forward_hook(lambda _mlp, args, out: out @ args[0].mT @ args[0])


def a_forward_of_its_own(layers):
    mlp = layers[4].mlp
    mlp.forward = lambda x: twice(mlp, x)


def a_config_of_its_own(layers):
    reading(layers, own=True).again = True


@pytest.mark.parametrize(
    "plant", [another_width, another_class, a_hook, a_forward_of_its_own, a_config_of_its_own]
)
def test_a_fifth_layer_that_differs_is_told_apart_before_anything_is_counted(plant):
    seen = opened(subject_of(plant))
    examples = {seen.symbols["B"]: 3}
    once = COUNTER.with_equal_layers_once().trace(seen.prepare, examples)
    every = COUNTER.trace(seen.prepare, examples)
    assert once.flops == every.flops
    assert {*once.stood_for} == {f"model.layers.{i}" for i in (1, 2, 3, 5)}
    plain = COUNTER.trace(opened(subject_of()).prepare, examples)
    assert every.flops != plain.flops


def test_a_layer_that_its_program_tells_by_its_index_is_found_by_a_count():
    def plant(layers):
        reading(layers).places = (4,)

    seen = opened(subject_of(plant))
    examples = {seen.symbols["B"]: 3}
    once = COUNTER.with_equal_layers_once().trace(seen.prepare, examples)
    assert FIFTH in once.stood_for  # nothing that the counter sees tells it apart
    law, every = (vendor_law(subject_of(plant, every_layer=each)) for each in (False, True))
    assert law.forms == every.forms
    assert sentences(every) == []
    (said,) = sentences(law)
    assert said.startswith(
        "model.layers.1 stands for 3 more layers, model.layers.2 to model.layers.3, model.layers.5:"
    )
    assert said.endswith("counted at B=4; B=194")


class Alone(torch.nn.Module):
    """An MLP that works twice for a single sequence, in the fifth layer."""

    def __init__(self, inner, place):
        super().__init__()
        self.inner, self.place = inner, place

    def forward(self, x):
        found = self.inner(x)
        return self.inner(found) if self.place == 4 and x.shape[0] == 1 else found


def test_a_layer_that_differs_where_sizes_are_small_is_an_exception_there():
    def plant(layers):
        for place, layer in enumerate(layers):
            layer.mlp = Alone(layer.mlp, place)

    law, every = (vendor_law(subject_of(plant, every_layer=each)) for each in (False, True))
    assert len(sentences(law)) == 1
    assert law.forms == every.forms
    assert [(each.sizes, each.forms) for each in law.slices] == [
        (each.sizes, each.forms) for each in every.slices
    ]
    assert [each.sizes for each in law.slices] == [{"B": 1}]


@pytest.mark.parametrize("stage", ["prefill", "decode"])
def test_equal_layers_give_the_law_of_every_layer(stage):
    law, every = (vendor_law(subject_of(stage=stage, every_layer=each)) for each in (False, True))
    assert law.forms == every.forms
    assert (law.guards, law.slices, law.uncounted) == (every.guards, every.slices, every.uncounted)
    (said,) = sentences(law)
    assert said.startswith("model.layers.0 stands for 5 more layers, model.layers.1 to ")
    assert [text for text in law.assumptions if text != said] == [*every.assumptions]


class Stranger(SymbolicCounter):
    """A symbolic counter of another's, which knows nothing of layers."""

    name = "stranger"
    convention = COUNTER.convention

    def count(self, call):
        return COUNTER.count(call)

    def trace(self, prepare, symbols):
        return COUNTER.trace(prepare, symbols)


def test_a_counter_that_takes_no_layers_as_equal_traces_every_layer():
    law = vendor_law(subject_of(counter=Stranger()))
    assert law.forms == vendor_law(subject_of()).forms
    assert sentences(law) == []


def test_a_trace_that_holds_at_no_other_size_takes_no_layers_as_equal():
    def plant(layers):
        def refusing(_layer, args, _out):
            if not isinstance(args[0].shape[0], torch.SymInt):
                assert args[0].shape[0] < 3

        layers[0].register_forward_hook(refusing)

    subject = subject_of(plant)
    law = vendor_law(subject)
    assert sentences(law) == []
    assert law.forms == vendor_law(subject_of()).forms
