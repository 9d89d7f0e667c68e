"""Prove models without the command line, and a toy whose vendor is any function of torch."""

from functools import partial
from types import SimpleNamespace

import attrs

from flopbench import AnalyticModel, Linear, VendorCall, VendorModel, VendorStage
from flopbench.analytic import Size, Stage
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash
from flopbench.builtin.torch_counter import TorchCounter
from flopbench.commands.prove.runner import prove
from flopbench.conventions import Conventions
from flopbench.plan import Plan


def plan_of(model, vendor, workload, *, stages=None, counter=None):
    """Plan a proof of a model, as `flopbench.plan.make_plan` would."""
    return Plan(
        model=model,
        workload=workload,
        modes=(Eager(),),
        eager=Eager(),
        useful=Flash(),
        vendor=vendor,
        counters=(counter or TorchCounter(),),
        stages=tuple(s for s in model.stages if stages is None or s.name in stages),
        conventions=Conventions(),
        method="auto",
        config={"workload": {}, "conventions": {}},
    )


def proof_of(model, vendor, workload, *, symbols=None, **plan):
    """Prove a model's stages; return the proof."""
    catalog = SimpleNamespace(sources=())
    return prove(plan_of(model, vendor, workload, **plan), catalog, symbols)


def equations(proof):
    """Return the equations by (stage, component)."""
    return {(e.stage, e.component): e for e in proof.equations}


@attrs.frozen
class Sizes:
    """The toy's workload."""

    B: object = 3
    S: object = 20


WIDTH = 4


class ToyModel(AnalyticModel):
    """One linear layer from 4 to 4 over B x S rows."""

    name = "toy"
    options_type = Sizes
    inputs_type = Sizes
    stages = (Stage("prefill", "Prefill"),)
    sizes = (Size("B", "sequences"), Size("S", "tokens"))
    architecture = None

    @classmethod
    def from_options(cls, _options):
        return cls()

    def workload(self, inputs):
        return inputs

    def workload_facts(self, workload):
        return {}

    def ops(self, stage, workload):
        rows = workload.B * workload.S
        yield Linear(component="layer", rows=rows, in_features=WIDTH, out_features=WIDTH)

    def stage_sizes(self, stage, workload):
        return {"B": workload.B, "S": workload.S}

    def stage_workload(self, stage, workload, sizes):
        return Sizes(**sizes)


class ToyVendor(VendorModel):
    """Calls ``function(x, linear)`` on x of [B, S, 4]."""

    name = "toy"
    options_type = Sizes

    def __init__(self, function):
        self.function = function

    @classmethod
    def from_options(cls, architecture, options):
        raise NotImplementedError

    def stage(self, name, workload):
        import torch

        def prepare(_step):
            linear = torch.nn.Linear(WIDTH, WIDTH, bias=False, device="meta")
            x = torch.empty(workload.B, workload.S, WIDTH, device="meta")
            return VendorCall(linear, lambda: self.function(x, linear))

        return VendorStage(prepare)

    def component(self, module):
        return "layer"


@attrs.frozen
class DecodingSizes:
    """The workload of `Decoding`: sequences, tokens of each, decode steps."""

    B: object = 3
    S: object = 20
    K: object = 6


class Decoding(ToyModel):
    """One linear layer, over as many rows in all steps as a function says."""

    name = "decoding"
    options_type = inputs_type = DecodingSizes
    stages = (Stage("decode", "Decode"),)
    sizes = (Size("B", "sequences"), Size("S", "tokens"), Size("K", "steps", steps=True))

    def __init__(self, rows, low=1):
        self.rows = rows
        if low != 1:
            self.sizes = (Size("B", "b", minimum=low), Size("S", "s", minimum=low), self.sizes[2])

    def ops(self, stage, workload):
        rows = self.rows(workload)
        yield Linear(component="layer", rows=rows, in_features=WIDTH, out_features=WIDTH)

    def stage_sizes(self, stage, workload):
        return attrs.asdict(workload)

    def stage_workload(self, stage, workload, sizes):
        return DecodingSizes(**sizes)


class Steps(ToyVendor):
    """Calls ``function(k, sizes, linear, x)`` in step k, on x of [B, S, 4]."""

    name = "decoding"

    def stage(self, name, workload):
        def prepare(step):
            call = partial(self.function, step, workload)
            return ToyVendor(lambda x, linear: call(linear, x)).stage(name, workload).prepare(step)

        return VendorStage(prepare, steps=workload.K)
