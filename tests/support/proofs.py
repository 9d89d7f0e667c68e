"""Prove models without the command line."""

from types import SimpleNamespace

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
    catalog = SimpleNamespace(sources=(), versions={})
    return prove(plan_of(model, vendor, workload, **plan), catalog, symbols)


def equations(proof):
    """Return the equations by (stage, component)."""
    return {(e.stage, e.component): e for e in proof.equations}
