"""Judge formulas on a model: read its operations, and hold every formula against them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flopbench.boundary import calling
from flopbench.commands.referee.findings import Findings, PhaseFindings
from flopbench.commands.referee.rate import rate_of
from flopbench.commands.referee.request import Request
from flopbench.commands.referee.step import priced
from flopbench.errors import FlopbenchError, UsageError
from flopbench.formulas import (
    Formula,
    Judgement,
    Phase,
    Reading,
    Reference,
    judged,
    read,
    references,
)
from flopbench.ops import expanded
from flopbench.plan import Plan
from flopbench.plan.plan import require_closed_forms
from flopbench.text import listed

_STAGES: dict[Phase, str] = {"train": "prefill", "prefill": "prefill", "decode": "decode"}
"""The stage whose operations a phase has: a training step's forward pass is a prefill's."""


def referee(plan: Plan, formulas: Sequence[type[Formula]], request: Request) -> Findings:
    """Hold formulas against a model.

    Raises:
        UsageError: the model has no closed forms, is no decoder, or lacks a stage; or the GPU of
            a measured rate is missing.
        PluginError: the model raises.
    """
    require_closed_forms(plan.model)
    rate = rate_of(request.tokens_per_second, request.gpus, plan.hardware, plan.storage)
    return Findings(
        model=plan.model.name,
        against=request.against,
        phases=tuple(_phase(plan, formulas, phase) for phase in request.phases),
        rate=rate,
        notes=(
            *plan.model.notes(),
            *plan.model.notes_of(plan.workload),
            *_left_out(plan, request.phases),
        ),
    )


def _left_out(plan: Plan, phases: Sequence[Phase]) -> Iterator[str]:
    """Yield what a training step has beside the decoder that formulas are of."""
    others = [each for each in plan.model.trained or plan.model.first_token if each != "prefill"]
    if "train" in phases and others:
        yield (
            f"a training step of {plan.model.name} also runs {listed(others, 'and')} "
            f"forward and backward: formulas, counted, useful and executed are of the decoder alone"
        )


def _phase(plan: Plan, formulas: Sequence[type[Formula]], phase: Phase) -> PhaseFindings:
    stage = _STAGES[phase]
    present = [each.name for each in plan.model.stages_of(plan.workload) if not each.parts]
    if stage not in present:
        raise UsageError(
            f"formulas of phase {phase!r} need a stage {stage!r}, and this workload of "
            f"{plan.model.name} has only {listed(present, 'and')}"
        )
    with calling(f"reading stage {stage!r} of model {plan.model.name!r}"):
        ops = tuple(expanded(plan.model.ops(stage, plan.workload)))
    cost = priced(plan, ops, training=phase == "train")
    reading = read(plan.model.name, ops, decoding=phase == "decode", repeated=cost.repeated)
    held = references(reading, phase, cost.counted)
    return PhaseFindings(
        phase=phase,
        stage=stage,
        facts=reading.facts,
        references=held,
        judgements=tuple(_judged(f, reading, held) for f in formulas if phase in f.phases),
    )


def _judged(formula: type[Formula], reading: Reading, held: tuple[Reference, ...]) -> Judgement:
    """Judge a formula; one that fails is shown as such, beside the others."""
    try:
        return judged(formula, reading, held)
    except FlopbenchError as error:
        return Judgement(formula=formula, failure=str(error))
