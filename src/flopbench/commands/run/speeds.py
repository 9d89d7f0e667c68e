"""The most tokens a second that the bounds leave: the first token, and those after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import asdict, frozen

from flopbench.hardware.times import StageTimes
from flopbench.plan import Plan
from flopbench.text import milliseconds


@frozen(kw_only=True)
class Speeds:
    """How soon tokens can come at best, in one attention mode; None for what is not known.

    Attributes:
        first_token_floor_ms, first_token_bound_ms: of all stages up to the first token.
        token_floor_ms, token_bound_ms: of a token after it, the mean over the decode steps.
        tokens_per_s: the most that all sequences generate, by the floor.
    """

    first_token_floor_ms: float | None = None
    first_token_bound_ms: float | None = None
    token_floor_ms: float | None = None
    token_bound_ms: float | None = None
    tokens_per_s: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)

    def text(self) -> str | None:
        """Return the line; None if nothing is known."""
        parts = []
        if self.first_token_floor_ms is not None and self.first_token_bound_ms is not None:
            both = _both(self.first_token_floor_ms, self.first_token_bound_ms)
            parts.append(f"first token after {both}")
        if self.token_floor_ms is not None and self.token_bound_ms is not None:
            most = self.tokens_per_s
            rate = "" if most is None else f", at most {most:,.0f} tokens/s"
            both = _both(self.token_floor_ms, self.token_bound_ms)
            parts.append(f"each one after it {both}{rate}")
        return "; ".join(parts) or None


def _both(floor: float, bound: float) -> str:
    return f"at least {milliseconds(floor)} ms ({milliseconds(bound)} op by op)"


def speeds(plan: Plan, times: Mapping[str, StageTimes]) -> Speeds:
    """Return how soon tokens can come at best.

    Args:
        times: of the reported stages, in one attention mode.
    """
    model, batch = plan.model, getattr(plan.workload, "batch_size", None)
    first = whole(times, model.first_token)
    rest = whole(times, [model.per_token] if model.per_token else [])
    steps = getattr(plan.workload, "decode_steps", None)
    found: dict[str, float] = {}
    if first:
        found |= {"first_token_floor_ms": first.floor.ms, "first_token_bound_ms": first.bound.ms}
    if rest and steps:
        step = rest.floor.ms / steps
        found |= {"token_floor_ms": step, "token_bound_ms": rest.bound.ms / steps}
        if batch and step:
            found["tokens_per_s"] = 1000 * batch / step
    return Speeds(**found)


def whole(times: Mapping[str, StageTimes], stages: Iterable[str]) -> StageTimes | None:
    """Return the times of stages that follow each other; None if there are none, or one lacks."""
    names = list(stages)
    if not names or any(name not in times for name in names):
        return None
    first, *more = (times[name] for name in names)
    return sum(more, first)
