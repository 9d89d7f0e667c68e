"""Targets in time, and the rates that a machine must sustain to reach them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from flopbench.analytic import AnalyticModel
from flopbench.dims import as_real, is_array
from flopbench.errors import PluginError, UsageError
from flopbench.text import listed

TERA, GIGA = 10**12, 10**9
_LEAST_SECONDS = 1e-12

Rates = Mapping[str, float]


@frozen(kw_only=True)
class Deadline:
    """The time in which the work of some stages must be done.

    Attributes:
        target: ``ttft`` or ``tpot``.
        stages: whose work it is.
        target_s: the target, in seconds.
        runs: how often the target is met, one after the other, within the deadline: a number, or
            one of each of many points.
    """

    target: str
    stages: tuple[str, ...]
    target_s: float
    runs: Any = 1

    @property
    def seconds(self) -> Any:
        """The time for all of the work."""
        return self.target_s * self.runs


@frozen(kw_only=True)
class Targets:
    """Seconds to the first token, and per output token; None for no target."""

    ttft: float | None = None
    tpot: float | None = None

    @classmethod
    def of(cls, ttft: float | None, tpot: float | None) -> Targets:
        """Return the targets that options give.

        Raises:
            UsageError: one is not a number of seconds above 0.
        """
        return cls(ttft=_seconds("--ttft", ttft), tpot=_seconds("--tpot", tpot))

    def check(self, model: AnalyticModel, workload: Any) -> None:
        """Refuse a target for which a model does not declare the stages, or a workload has none.

        Raises:
            UsageError: there are no such stages.
            PluginError: its workloads do not say how many tokens they make.
        """
        if self.ttft is not None and not model.first_token:
            raise UsageError(
                f"--ttft: model {model.name!r} does not say which stages make the first token"
            )
        present = [stage.name for stage in model.stages_of(workload)]
        if self.ttft is not None and (missing := sorted({*model.first_token} - {*present})):
            raise UsageError(
                f"--ttft: this workload has no stage {missing[0]!r}, only {listed(present, 'and')}"
            )
        if self.tpot is not None:
            if model.per_token is None:
                raise UsageError(
                    f"--tpot: model {model.name!r} does not say which stage makes the other tokens"
                )
            if model.per_token not in present:
                raise UsageError(
                    f"--tpot: this workload has no stage {model.per_token!r}, only "
                    f"{listed(present, 'and')}"
                )
            if not hasattr(workload, "decode_steps"):
                raise PluginError(
                    f"model {model.name!r} has per_token, but its workload has no decode_steps"
                )

    def stages(self, model: AnalyticModel) -> set[str]:
        """Return the stages that they are about."""
        found = set(model.first_token) if self.ttft is not None else set()
        return found | ({model.per_token} if self.tpot is not None and model.per_token else set())

    def deadlines(self, model: AnalyticModel, workload: Any) -> Iterator[Deadline]:
        """Yield the deadline that each target sets.

        To the first token: all work of its stages. Per output token: the mean over the decode
        steps, each of which makes one token of every sequence.
        """
        if self.ttft is not None and model.first_token:
            yield Deadline(target="ttft", stages=tuple(model.first_token), target_s=self.ttft)
        if self.tpot is not None and model.per_token is not None:
            steps = workload.decode_steps
            steps = as_real(steps) if is_array(steps) else int(steps)
            last = (model.per_token,)
            yield Deadline(target="tpot", stages=last, target_s=self.tpot, runs=steps)


def rates(flops: float, moved: float, seconds: float) -> Rates:
    """Return what must be sustained to do some work, and move some bytes, in a time."""
    return {"tflops_per_s": flops / seconds / TERA, "gigabytes_per_s": moved / seconds / GIGA}


def _seconds(option: str, value: float | None) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool | str) or not _LEAST_SECONDS <= value < float("inf"):
        raise UsageError(
            f"{option} must be a number of seconds above 0 (at least {_LEAST_SECONDS}), got {value}"
        )
    return float(value)
