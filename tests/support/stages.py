"""Price and reconcile DeepSeek-OCR's stages, as the runner does."""

from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.builtin.torch_counter import TorchCounter
from flopbench.commands.run.reconcile import compare
from flopbench.conventions import Conventions
from flopbench.vendor.attribution import attribute
from flopbench.vendor.counting import count_stage


def price_stage(model, stage, workload, mode=None):
    """Price one stage; eagerly unless a mode is given."""
    return price(model.ops(stage, workload), mode or Eager(), Eager(), Conventions())


def reconcile(model, vendor, stage, workload):
    """Compare one stage on both sides, as the runner does."""
    counter = TorchCounter()
    counted = attribute(count_stage(counter, vendor.stage(stage, workload)), vendor.component_of)
    priced = price_stage(model, stage, workload)
    return compare(stage, Eager(), priced, counter.name, counter.convention, counted)
