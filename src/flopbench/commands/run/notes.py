"""What a reader must know of a run's numbers, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flopbench.analytic.price import StagePrice
from flopbench.commands.run.packed_training import packed_training
from flopbench.errors import UsageError
from flopbench.plan import Plan
from flopbench.plan.structure import structure
from flopbench.tally import sums
from flopbench.text import si
from flopbench.training_step import TRAINING
from flopbench.vendor.attribution import Attributed, Failed


def notes(
    plan: Plan,
    prices: Mapping[str, Mapping[str, StagePrice]],
    counts: Mapping[str, Mapping[str, Attributed | Failed]],
) -> tuple[str, ...]:
    """Return the notes of the model, of dtypes, of the workload and of the vendor, each once.

    Args:
        prices: by attention mode and stage.
        counts: by counter and stage.
    """
    said = (plan.model.notes(), plan.model.notes_of(plan.workload), plan.dtypes.notes())
    found = dict.fromkeys(note for notes in said for note in notes)
    if plan.modes:
        found |= dict.fromkeys(_head_on_every_position(plan, prices))
        found |= dict.fromkeys(packed_training(plan))
    return tuple(found | dict.fromkeys(_of_vendor(plan, counts)))


def _of_vendor(
    plan: Plan, counts: Mapping[str, Mapping[str, Attributed | Failed]]
) -> Iterator[str]:
    for counter, vendor in plan.vendor_strategies:
        if not counter.convention.comparable:
            continue
        for stage, counted in counts[counter.name].items():
            if isinstance(counted, Attributed):
                flops = sums((entry.component, entry.flops) for entry in counted.entries)
                yield from vendor.notes(stage, plan.workload, flops)


def _head_on_every_position(
    plan: Plan, prices: Mapping[str, Mapping[str, StagePrice]]
) -> Iterator[str]:
    """Say what the LM head costs on positions whose logits generation does not need."""
    inputs = plan.config["workload"]
    if inputs.get("lm_head") != "all":
        return
    try:
        least = structure("workload", {**inputs, "lm_head": "last"}, plan.model.inputs_type)
    except UsageError:  # a plugin may mean something else by this key
        return
    workload, first = plan.model.workload(least), plan.modes[0].name
    for stage in plan.base_stages:
        if stage.name in TRAINING:
            continue
        needed = plan.pricer.in_modes(plan.model, stage.name, workload, plan.modes)
        every = {name: by_stage[stage.name] for name, by_stage in prices.items()}
        more = every[first].cost.flops - needed[first].cost.flops
        if more > 0:
            share = f"{100 * more / every[first].cost.flops:.2g} % of {stage.name}'s {first} FLOPs"
            yield (
                f"the LM head on all but the last position is {share}"
                f"{_peak_of_logits(every, needed)}; generation needs the last position only "
                "(workload.lm_head=last)"
            )


def _peak_of_logits(every: Mapping[str, StagePrice], needed: Mapping[str, StagePrice]) -> str:
    """Say what logits take of a stage's peak, in the mode where they take most of it.

    Args:
        every, needed: by mode, with all logits and with those of the last position.
    """
    more = max(
        priced.footprint.peak_activation_bytes - needed[name].footprint.peak_activation_bytes
        for name, priced in every.items()
    )
    return f" and up to {si(int(more), 'B')} of its peak activations" if more > 0 else ""
