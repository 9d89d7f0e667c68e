"""What vendor plugins that run models of transformers have in common."""

from __future__ import annotations

from typing import Any, Literal

import attrs
from attrs import frozen

from flopbench.errors import CountError

ATTENTION = "eager"
"""FlopCounterMode sees the matmuls of no other attention."""

EXPERTS = "batched_mm"
"""``grouped_mm`` has no formula in torch's registry, and ``eager`` experts loop over data."""


def _eager_only(_instance: object, _field: object, value: str) -> None:
    """Validate the option ``vendor.attention``, which is there to say what it is."""
    if value != ATTENTION:
        raise ValueError(
            "'attention' must be 'eager' (FlopCounterMode cannot see the matmuls of other "
            f"attention: ask for it on the analytic side, with --attention): {value}"
        )


@frozen(kw_only=True)
class VerifiedOptions:
    """What a user may set under ``vendor.`` of a model that only transformers runs.

    Attributes:
        attention: always ``eager``.
        decode: count five ``sampled`` steps and check that they lie on a line, or ``every``.
    """

    attention: str = attrs.field(default=ATTENTION, validator=_eager_only)
    decode: Literal["sampled", "every"] = "sampled"


def require_eager(model: Any) -> None:
    """Refuse a model in which any part attends otherwise than eagerly.

    Raises:
        CountError: a sub-module's config names another attention.
    """
    for name, module in model.named_modules():
        attention = getattr(getattr(module, "config", None), "_attn_implementation", ATTENTION)
        if attention != ATTENTION:
            raise CountError(
                f"the vendor's {name or 'model'} uses {attention} attention, not {ATTENTION}"
            )
