"""A causal language model's workload: a batch of contexts of equal length, and decode steps."""

from __future__ import annotations

from typing import Literal

import attrs
from attrs import frozen

from flopbench.dims import Dim, dim_field

LmHead = Literal["all", "last"]


def _at_least_one(default: int) -> int:
    value: int = attrs.field(default=default, validator=attrs.validators.ge(1))
    return value


@frozen(kw_only=True)
class Inputs:
    """What a user may set under ``workload.``.

    Attributes:
        context_tokens: tokens of each sequence's prefill.
        decode_steps: tokens generated after the prefill.
        batch_size: sequences processed at once.
        lm_head: positions of the prefill that the LM head runs on.
    """

    context_tokens: int = _at_least_one(512)
    decode_steps: int = _at_least_one(100)
    batch_size: int = _at_least_one(1)
    lm_head: LmHead = "all"


@frozen(kw_only=True, eq=False)
class Workload:
    """Everything that a model's FLOPs depend on; dimensions may be arrays or symbols."""

    batch_size: Dim = dim_field(default=1)
    context_tokens: Dim = dim_field(default=512)
    decode_steps: Dim = dim_field(default=100)
    lm_head: LmHead = "all"

    @property
    def head_rows(self) -> Dim:
        """Positions of one sequence's prefill that the LM head runs on."""
        return self.context_tokens if self.lm_head == "all" else 1
