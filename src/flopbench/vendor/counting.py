"""Count a stage: one call, or the steps of decoding, sampled where they lie on a line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from attrs import evolve

from flopbench.tally import sums
from flopbench.text import plural
from flopbench.vendor.counter import Count, Counted, StageCount, Uncounted, VendorCounter
from flopbench.vendor.model import VendorStage

Flops = Mapping[tuple[str, str], int]
"""FLOPs by (module, op)."""

_FEW = 5
"""Up to this many steps are all counted: a sample would save nothing."""


def count_stage(
    counter: VendorCounter, stage: VendorStage, tick: Callable[[int], None] = lambda _step: None
) -> StageCount:
    """Count all steps of a stage, or a sample that determines them.

    The first two, the last two and the middle step are counted. If for every module and op
    their counts lie exactly on a line in the step number, the sum over all steps follows in
    closed form; otherwise every step is counted. The sample includes neighbours because a
    count that grows in stairs can touch a line at both ends and the middle.

    Args:
        tick: called with the step after each counted call.
    """
    counted = _counted(counter, stage, tick)
    used = counter.own_formulas_of(entry.op for entry in counted.count.counted)
    return evolve(counted, own_formulas=used)


def _counted(counter: VendorCounter, stage: VendorStage, tick: Callable[[int], None]) -> StageCount:
    """Count all steps of a stage, or a sample (`count_stage`)."""
    counts: dict[int, Count] = {}

    def count(step: int) -> Count:
        if step not in counts:
            counts[step] = counter.count(stage.prepare(step))
            tick(step)
        return counts[step]

    steps = int(stage.steps)
    sample = (1, 2, (1 + steps) // 2, steps - 1, steps)
    if stage.sampled and steps > _FEW and not stage.times:
        total = _sum_on_a_line(steps, {step: count(step) for step in sample})
        if total is not None:
            note = (
                f"steps {', '.join(map(str, sample))} were counted; they lie exactly on a line in "
                f"every module and op, which gives the sum over {steps} steps"
            )
            return StageCount(total, (*stage.assumptions, note))
    each = [count(step) for step in range(1, steps + 1)]
    if not stage.times:
        return StageCount(_sum(each, [1] * steps), stage.assumptions)
    equal = sum(stage.times) - steps
    note = f"{plural(equal, 'call')} equal to one that was counted: its count was multiplied"
    return StageCount(_sum(each, stage.times), (*stage.assumptions, *([note] if equal else [])))


def _flops(count: Count) -> Flops:
    return sums(((entry.module, entry.op), entry.flops) for entry in count.counted)


def _calls(count: Count) -> Flops:
    return sums(((entry.module, entry.op), entry.calls) for entry in count.uncounted)


def _sum_on_a_line(steps: int, sample: Mapping[int, Count]) -> Count | None:
    counted = _line_sums(steps, {step: _flops(count) for step, count in sample.items()})
    uncounted = _line_sums(steps, {step: _calls(count) for step, count in sample.items()})
    if counted is None or uncounted is None:
        return None
    return _count(counted, uncounted)


def _line_sums(steps: int, sample: Mapping[int, Flops]) -> Flops | None:
    """Sum each entry over steps 1..steps, if the sampled values lie on a line of integers."""
    totals = {}
    for key in dict.fromkeys(key for values in sample.values() for key in values):
        values = {step: sample[step].get(key, 0) for step in sample}
        first, slope = values[1], values[2] - values[1]
        if any(value != first + slope * (step - 1) for step, value in values.items()):
            return None
        totals[key] = steps * first + slope * (steps * (steps - 1) // 2)
    return totals


def _sum(counts: Sequence[Count], times: Sequence[int]) -> Count:
    """Sum counts, each multiplied by a number."""
    each = list(zip(counts, times, strict=True))
    return _count(
        sums((key, n * often) for count, often in each for key, n in _flops(count).items()),
        sums((key, n * often) for count, often in each for key, n in _calls(count).items()),
    )


def _count(counted: Flops, uncounted: Flops) -> Count:
    return Count(
        tuple(Counted(module, op, flops) for (module, op), flops in counted.items()),
        tuple(Uncounted(module, op, calls) for (module, op), calls in uncounted.items()),
    )
