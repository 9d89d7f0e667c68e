"""A sample report of a run on a GPU, worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from flopbench.commands.run.fit import Fit
from flopbench.commands.run.prices import TokenPrices
from flopbench.commands.run.speeds import Speeds
from flopbench.commands.run.step_fit import StepFit
from flopbench.hardware import Gpu
from flopbench.hardware.bounds import Bound
from flopbench.hardware.floor import Floor
from flopbench.hardware.limits import FreeBatch, Limits, shares
from flopbench.hardware.measured import Measured
from flopbench.hardware.targets import reach
from flopbench.hardware.times import StageTimes
from flopbench.report import Deployment, Report

_GPU = Gpu(
    name="toy_gpu",
    title="Toy GPU",
    memory_bytes=5000,
    bandwidth=1000,
    peaks={"bfloat16": 8000},
    source="made up",
)
"""1 B and 8 FLOPs in a millisecond."""


def _times(moved: int) -> StageTimes:
    """Return the times of 100 FLOPs and some bytes, of which the floor has 400 of weights."""
    bound = Bound(
        memory_bound_ms=float(moved),
        compute_ms=12.5,
        memory_ms=float(moved),
        tensor_flops=100,
        bytes_moved=float(moved),
    )
    floor = Floor(ms=400.0, compute_ms=12.5, memory_ms=400.0, weight_bytes=400)
    return StageTimes({"layer": bound}, floor)


def with_bounds(report: Report) -> Report:
    """Return a report with bounds on the time of its one stage, and a deployment.

    Args:
        report: whose series are analytic and have costs.
    """
    times = {
        each.attention: _times(int(each.costs["expected_bytes_moved"]))
        for each in report.series
        if each.costs
    }
    series = tuple(attrs.evolve(s, bound=_bound(times[s.attention])) for s in report.series)
    return attrs.evolve(report, series=series, deployment=_deployment(times))


def _bound(times: StageTimes) -> Mapping[str, Any]:
    ms = 2 * times.bound.ms
    used = Measured(ms, times.bound.compute_ms / ms, times.floor.memory_ms / ms)
    given = {"gpu": _GPU.name, "floor_ms": times.floor.ms, "measured": used.to_dict()}
    return {**times.to_dict(), **given}


def _deployment(times: Mapping[str, StageTimes]) -> Deployment:
    modes: dict[str, dict[str, Any]] = {
        mode: {
            "fit": _fit(mode, each),
            "step_fit": _step_fit(mode),
            "speeds": Speeds(
                first_token_floor_ms=each.floor.ms, first_token_bound_ms=each.bound.ms
            ),
            "limits": _limits(each),
            "shares": shares({"prefill": each})[0],
            "prices": _prices(),
            "targets": _reach(each),
        }
        for mode, each in times.items()
    }
    kinds: dict[str, tuple[Mapping[str, Any], ...]] = {
        kind: tuple(
            {**found[kind].to_dict(), "attention": mode, "text": found[kind].text()}
            for mode, found in modes.items()
        )
        for kind in next(iter(modes.values()))
    }
    return Deployment(gpu=_GPU.to_dict(), **kinds)


def _fit(mode: str, times: StageTimes) -> Fit:
    return Fit(
        attention=mode,
        gpu=_GPU.title,
        memory_bytes=5000,
        weight_bytes=400,
        kv_cache_bytes=0,
        peak_activation_bytes=int(times.bound.bytes_moved) - 400,
        largest_batch=2,
        largest_decoding=3,
    )


def _step_fit(mode: str) -> StepFit:
    return StepFit(
        attention=mode,
        gpu=_GPU.title,
        memory_bytes=5000,
        peak_bytes=6000,
        peak="at the loss",
        largest_batch=0,
    )


def _limits(times: StageTimes) -> Limits:
    return Limits(
        stage="prefill",
        bound_by="memory",
        bound_ms=times.bound.ms,
        binding_ms=times.bound.ms,
        most="activations",
        most_share=1 - 400 / times.bound.bytes_moved,
        free=FreeBatch(batch=2, largest=2, doubled=1.9),
    )


def _prices() -> TokenPrices:
    return TokenPrices(per_hour=36.0, prefill=2000.0)


def _reach(times: StageTimes) -> Any:
    return reach("first token", 0.5, times, _GPU.title)
