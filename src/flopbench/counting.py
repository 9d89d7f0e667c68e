"""Count a stage: one call, or the steps of decoding, sampled where they lie on a line."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flopbench.vendor import (
    Count,
    Counted,
    StageCount,
    Uncounted,
    VendorCounter,
    VendorStage,
)

Flops = Mapping[tuple[str, str], int]
"""FLOPs by (module, op)."""

_FEW = 3
"""So few steps are all counted: a sample would save nothing."""


def count_stage(
    counter: VendorCounter, stage: VendorStage, tick: Callable[[], None] = lambda: None
) -> StageCount:
    """Count all steps of a stage, or a sample that determines them.

    The first, the last and a middle step are counted. If for every module and op the three
    counts lie exactly on a line in the step number, the sum over all steps follows in closed
    form; otherwise every step is counted.

    Args:
        tick: called after each counted call.
    """
    counts: dict[int, Count] = {}

    def count(step: int) -> Count:
        if step not in counts:
            counts[step] = counter.count(stage.prepare(step))
            tick()
        return counts[step]

    sample = (1, (1 + stage.steps) // 2, stage.steps)
    if stage.sampled and stage.steps > _FEW:
        total = _sum_on_a_line(stage.steps, {step: count(step) for step in sample})
        if total is not None:
            note = (
                f"decode steps {sample[0]}, {sample[1]} and {sample[2]} were counted; they lie "
                f"exactly on a line in every module and op, which gives the sum over "
                f"{stage.steps} steps"
            )
            return StageCount(total, (*stage.assumptions, note))
    steps = [count(step) for step in range(1, stage.steps + 1)]
    return StageCount(_sum(steps), stage.assumptions)


def _flops(count: Count) -> Flops:
    return {(entry.module, entry.op): entry.flops for entry in count.counted}


def _calls(count: Count) -> Flops:
    return {(entry.module, entry.op): entry.calls for entry in count.uncounted}


def _sum_on_a_line(steps: int, sample: Mapping[int, Count]) -> Count | None:
    counted = _line_sums(steps, {step: _flops(count) for step, count in sample.items()})
    uncounted = _line_sums(steps, {step: _calls(count) for step, count in sample.items()})
    if counted is None or uncounted is None:
        return None
    return _count(counted, uncounted)


def _line_sums(steps: int, sample: Mapping[int, Flops]) -> Flops | None:
    """Sum each entry over steps 1..steps, if the sampled values lie on a line of integers."""
    first, middle, last = sorted(sample)
    sums = {}
    for key in set().union(*sample.values()):
        a, b, c = (sample[step].get(key, 0) for step in (first, middle, last))
        slope, rest = divmod(c - a, last - first)
        if rest or b != a + slope * (middle - first):
            return None
        sums[key] = steps * a + slope * (steps * (steps - 1) // 2)
    return sums


def _sum(counts: list[Count]) -> Count:
    counted: dict[tuple[str, str], int] = {}
    uncounted: dict[tuple[str, str], int] = {}
    for count in counts:
        for sums, values in ((counted, _flops(count)), (uncounted, _calls(count))):
            for key, value in values.items():
                sums[key] = sums.get(key, 0) + value
    return _count(counted, uncounted)


def _count(counted: Flops, uncounted: Flops) -> Count:
    return Count(
        tuple(Counted(module, op, flops) for (module, op), flops in counted.items()),
        tuple(Uncounted(module, op, calls) for (module, op), calls in uncounted.items()),
    )
