"""Variants of the toy with sizes to leave open, whose vendor is any function of torch."""

from functools import partial

import attrs

from flopbench import Linear, VendorCall, VendorStage
from flopbench.analytic import Size, Stage
from toy.plugin import Toy, ToyVendor


@attrs.frozen
class Sizes:
    """The workload: sequences, and tokens of each."""

    B: object = 3
    S: object = 20


WIDTH = 4


class SizedToy(Toy):
    """One linear layer from 4 to 4 over B x S rows."""

    options_type = Sizes
    inputs_type = Sizes
    first_token = ()
    sizes = (Size("B", "sequences"), Size("S", "tokens"))

    def workload_facts(self, workload):
        return {}

    def ops(self, stage, workload):
        rows = workload.B * workload.S
        yield Linear(component="layer", rows=rows, in_features=WIDTH, out_features=WIDTH)

    def stage_sizes(self, stage, workload):
        return {"B": workload.B, "S": workload.S}

    def stage_workload(self, stage, workload, sizes):
        return Sizes(**sizes)


class TorchVendor(ToyVendor):
    """Calls ``function(x, linear)`` on x of [B, S, 4]."""

    options_type = Sizes

    def __init__(self, function):
        self.function = function

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


class Decoding(SizedToy):
    """One linear layer, over as many rows in all steps as a function says."""

    name = "decoding"
    options_type = inputs_type = DecodingSizes
    stages = (Stage("decode", "Decode"),)
    sizes = (*SizedToy.sizes, Size("K", "steps", steps=True))

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


class Steps(TorchVendor):
    """Calls ``function(k, sizes, linear, x)`` in step k, on x of [B, S, 4]."""

    name = "decoding"

    def stage(self, name, workload):
        def prepare(step):
            call = partial(self.function, step, workload)
            once = TorchVendor(lambda x, linear: call(linear, x))
            return once.stage(name, workload).prepare(step)

        return VendorStage(prepare, steps=workload.K)
