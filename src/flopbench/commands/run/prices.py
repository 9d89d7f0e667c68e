"""A lower bound of what tokens cost, from the floors of their stages and the price of a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import asdict, frozen

from flopbench.commands.run.speeds import whole
from flopbench.hardware.times import StageTimes
from flopbench.plan import Plan

_MS_PER_HOUR = 3_600_000
_MILLION = 10**6


@frozen(kw_only=True)
class TokenPrices:
    """What a million tokens cost at least, in the currency of ``per_hour``.

    Attributes:
        per_hour: the price of the GPU.
        prefill: of a million tokens of prefill; None if their stages or number are not known.
        generated: of a million tokens generated after the first, likewise.
    """

    per_hour: float
    prefill: float | None = None
    generated: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)

    def text(self) -> str:
        """Return the line."""
        known = {"of prefill": self.prefill, "generated": self.generated}
        parts = [f"{price:.4g} {what}" for what, price in known.items() if price is not None]
        if not parts:
            return (
                "not known: neither the stages up to the first token nor decoding are in this run"
            )
        return f"a million tokens cost at least {', '.join(parts)}, at {self.per_hour:g} an hour"


def per_million(per_hour: float, ms: float, tokens: int) -> float:
    """Return the price of a million tokens of which ``tokens`` take ``ms`` milliseconds."""
    return per_hour * ms / _MS_PER_HOUR * _MILLION / tokens


def token_prices(plan: Plan, times: Mapping[str, StageTimes], per_hour: float) -> TokenPrices:
    """Return the lower bound of the price of tokens in one attention mode.

    Args:
        times: by stage; what is missing leaves its price open.
    """
    first = whole(times, plan.model.first_token)
    last = whole(times, [plan.model.per_token] if plan.model.per_token else [])
    batch, context, steps = (
        getattr(plan.workload, name, None)
        for name in ("batch_size", "context_tokens", "decode_steps")
    )
    prices = [
        per_million(per_hour, of.floor.ms, batch * tokens) if of and batch and tokens else None
        for of, tokens in ((first, context), (last, steps))
    ]
    return TokenPrices(per_hour=float(per_hour), prefill=prices[0], generated=prices[1])
