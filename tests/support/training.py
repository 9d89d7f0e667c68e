"""A training step of a vendor, counted pass by pass."""

from collections import Counter

import attrs

from flopbench.builtin.torch_counter import TorchCounter
from flopbench.training_step import Phase
from flopbench.vendor.attribution import attribute
from flopbench.vendor.counting import count_stage

COUNTER = TorchCounter()


def pass_of(stage, phase):
    """Return a stage whose calls are counted in one pass."""
    return attrs.evolve(stage, prepare=lambda k: attrs.evolve(stage.prepare(k), phase=phase))


def passes(vendor, workloads, options):
    """Return FLOPs by component of each pass; nothing may be uncounted."""
    found = {}
    for phase in Phase:
        stage = pass_of(vendor.training(workloads, options), phase)
        counted = attribute(count_stage(COUNTER, stage), vendor.component_of)
        assert not counted.uncounted
        found[phase] = Counter()
        for entry in counted.entries:
            found[phase][entry.component] += entry.flops
    return found[Phase.FORWARD], found[Phase.RECOMPUTE], found[Phase.BACKWARD]
