"""Models in training: a toy of blocks, and what its passes cost."""

from collections import Counter

import attrs

from flopbench import AnalyticModel, Stage
from flopbench.analytic.price import Pricer
from flopbench.analytic.trained import TrainedModel
from flopbench.blocks import prefill_pass
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from flopbench.ops import OWN_VISIBLE, TORCH_VISIBLE
from flopbench.training_step import STAGE_OF, TrainOptions


@attrs.frozen
class Sizes:
    batch: int = 1
    tokens: int = 5


class Toy(AnalyticModel):
    """A decoder of blocks, or whatever yields operations for sizes."""

    name = "toy"
    stages = (Stage("forward", "Forward"),)
    options_type = inputs_type = Sizes

    def __init__(self, decoder):
        self.decoder = decoder

    @classmethod
    def from_options(cls, options):
        raise TypeError(options)

    @property
    def architecture(self):
        return self.decoder

    def workload(self, inputs):
        return inputs

    def workload_facts(self, workload):
        return attrs.asdict(workload)

    def ops(self, stage, workload):
        if callable(self.decoder):
            return self.decoder(workload)
        tokens = workload.tokens
        return self.decoder.ops(
            prefill_pass(batch=workload.batch, context=tokens, head_rows=tokens)
        )


def passes(decoder, workload, options=None, mode=None, **train):
    """Return the price of each pass of a training step, by name."""
    options = options or TrainOptions(**train)
    model, pricer = TrainedModel(Toy(decoder), options), Pricer(Eager(), Conventions())
    return {
        str(phase): pricer.price(model.ops(stage, workload), mode or Eager())
        for phase, stage in STAGE_OF.items()
    }


def matrix(priced):
    """Return the matrix FLOPs of a price, by component."""
    found = Counter()
    for component, flops in priced.seen(TORCH_VISIBLE | OWN_VISIBLE | {"fused_attention"}):
        found[component] += flops
    return +found
