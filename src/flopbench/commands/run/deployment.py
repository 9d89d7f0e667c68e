"""What a run says of a GPU: bounds on time, what fits, what limits stages, what tokens cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from attrs import frozen

from flopbench.analytic import AttentionMode
from flopbench.commands.run.batching import free_batch
from flopbench.commands.run.fit import fit
from flopbench.commands.run.priced import StagePrices, price_stages
from flopbench.commands.run.prices import token_prices
from flopbench.commands.run.roofline import pictures
from flopbench.commands.run.speeds import speeds, whole
from flopbench.commands.run.step_fit import step_fit
from flopbench.commands.run.times import run_times
from flopbench.errors import UsageError, unknown
from flopbench.hardware import Gpu, Machine
from flopbench.hardware.limits import limits, shares
from flopbench.hardware.measured import Measured, measured
from flopbench.hardware.targets import TITLES, reach
from flopbench.hardware.times import StageTimes
from flopbench.plan import Plan
from flopbench.plan.targets import Targets
from flopbench.report import Deployment

Prices = Mapping[str, StagePrices]


@frozen(eq=False)
class Timed:
    """The times of a plan's stages on a machine, by attention mode and stage."""

    plan: Plan
    machine: Machine
    prices: Prices
    times: Mapping[str, Mapping[str, StageTimes]]

    @classmethod
    def of(cls, plan: Plan, prices: Prices) -> Timed | None:
        """Return the times; None if the plan names no GPU.

        Raises:
            UsageError: the GPU is not known, or lacks a rate; a measured time is of no stage; or
                the model has no closed forms to bound.
        """
        machine = plan.hardware.machine(plan.storage)
        _check_stages(plan)
        if machine is None:
            return None
        if plan.model.no_closed_forms is not None:
            raise UsageError(
                f"hardware: bounds on time need closed forms, but model {plan.model.name!r} has "
                f"none ({plan.model.no_closed_forms}): leave the GPU out"
            )
        return cls(plan, machine, prices, run_times(plan, machine, prices))

    def bound(self, stage: str, mode: str) -> Mapping[str, Any]:
        """Return the bounds of a stage, and a measured time beside them, for the report.

        Raises:
            UsageError: nothing can be as fast as the measured time.
        """
        times, found = self.times[mode][stage], self._measured(stage, mode)
        return {
            "gpu": self.machine.gpu.name,
            "floor_ms": times.floor.ms,
            **times.to_dict(),
            "measured": None if found is None else found.to_dict(),
        }

    def _measured(self, stage: str, mode: str) -> Measured | None:
        ms = self.plan.hardware.measured_ms.get(stage)
        if ms is None:
            return None
        return measured(stage, ms, self.times[mode][stage], self.machine.gpu)

    def notes(self) -> Iterator[str]:
        """Yield what is remarkable about measured times."""
        for stage in self.plan.hardware.measured_ms:
            for mode in self.plan.modes:
                found = self._measured(stage, mode.name)
                if found is not None and found.note:
                    yield f"{mode.name}: {found.note}"

    def deployment(self, targets: Targets) -> Deployment:
        """Return the rest of what the report says of the GPU."""
        gpu, per_hour = self.machine.gpu, self.plan.hardware.price_per_hour
        return Deployment(
            gpu=gpu.to_dict(),
            fit=tuple(self._fits(gpu)),
            step_fit=tuple(self._step_fits(gpu)),
            speeds=tuple(self._speeds()),
            limits=tuple(self._limits()),
            shares=tuple(self._shares()),
            prices=tuple(self._token_prices(per_hour)) if per_hour else (),
            targets=tuple(self._reaches(targets)),
        )

    def _fits(self, gpu: Gpu) -> Iterator[Mapping[str, Any]]:
        for mode in self.plan.modes:
            found = fit(self.plan, gpu, mode)
            if found is not None:
                yield {**found.to_dict(), "text": found.text()}

    def _step_fits(self, gpu: Gpu) -> Iterator[Mapping[str, Any]]:
        for mode in self.plan.modes:
            found = step_fit(self.plan, gpu, mode)
            if found is not None:
                yield found.to_dict()

    def _speeds(self) -> Iterator[Mapping[str, Any]]:
        for mode in self.plan.modes:
            found = speeds(self.plan, self.times[mode.name])
            yield {"attention": mode.name, **found.to_dict(), "text": found.text()}

    def _limits(self) -> Iterator[Mapping[str, Any]]:
        for mode in self.plan.modes:
            for stage in self.plan.base_stages:
                priced = self.prices[mode.name][stage.name]
                free = free_batch(self.plan, self.machine, stage, mode)
                found = limits(stage.name, priced, self.times[mode.name][stage.name], free)
                if found is not None:
                    yield {"attention": mode.name, **found.to_dict()}

    def _shares(self) -> Iterator[Mapping[str, Any]]:
        for mode in self.plan.modes:
            times = self.base_times(mode)
            for each in shares(times) if len(times) > 1 else ():
                yield {"attention": mode.name, **each.to_dict()}

    def base_times(self, mode: AttentionMode) -> Mapping[str, StageTimes]:
        """Return the times of the stages that are no sums, in a mode."""
        times = self.times[mode.name]
        return {stage.name: times[stage.name] for stage in self.plan.base_stages}

    def _reaches(self, targets: Targets) -> Iterator[Mapping[str, Any]]:
        deadlines = tuple(targets.deadlines(self.plan.model, self.plan.workload))
        for each, mode in product(deadlines, self.plan.modes):
            times = whole(self.times[mode.name], each.stages)
            if times is not None:
                what, gpu = TITLES[each.target], self.machine.gpu.title
                found = reach(what, each.target_s, times, gpu, runs=each.runs)
                yield {"attention": mode.name, **found.to_dict(), "text": found.text()}

    def _token_prices(self, per_hour: float) -> Iterator[Mapping[str, Any]]:
        for mode in self.plan.modes:
            found = token_prices(self.plan, self.times[mode.name], per_hour)
            yield {"attention": mode.name, **found.to_dict(), "text": found.text()}


def draw(plan: Plan) -> dict[str, bytes]:
    """Return the pictures of a plan's bounds, in the attention mode with the lowest, by file name.

    Raises:
        UsageError: matplotlib is not installed, or cannot draw.
    """
    timed = Timed.of(plan, price_stages(plan, plan.modes))
    if timed is None:
        return {}
    titles = {stage.name: stage.title for stage in plan.base_stages}
    found = {mode.name: timed.base_times(mode) for mode in plan.modes}
    mode = min(found, key=lambda name: sum(t.bound.ms for t in found[name].values()))
    times = {titles[name]: each for name, each in found[mode].items()}
    return dict(pictures(timed.machine, times, f"{plan.model.name}, {mode} attention"))


def _check_stages(plan: Plan) -> None:
    """Refuse a measured time of a stage that is not reported.

    Raises:
        UsageError: there is one.
    """
    names = [stage.name for stage in plan.stages]
    for stage in plan.hardware.measured_ms:
        if stage not in names:
            raise UsageError(f"hardware.measured_ms: {unknown('stage', str(stage), names)}")
